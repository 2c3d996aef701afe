//! Recording how an attempt's call ended.
use keepgate_kernel::{AttemptId, Entity, MessageId, Timestamp};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use super::progress::{Facts, NO_CLASS, Progress, finish, receive, receive_parked, settle, take};
use crate::{
    machine::{AttemptState, Event, RefusalClass, Stage, step},
    ports::{Attempts, Outbox},
    types::{Callback, Held, Reason},
};

/// How a call to a provider ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The provider took it.
    Accepted {
        /// What the provider calls it: at most 200 characters.
        provider_ref: Option<String>,
        /// How long the provider will keep it in its own queue.
        queue_seconds: u32,
        /// Whether taking it was delivering it.
        delivered: bool,
    },
    /// The provider refused it, and certainly did not act on it.
    Refused {
        /// What may still help.
        class: RefusalClass,
        /// Why.
        reason: Reason,
        /// When the provider wants to be asked again.
        retry_after_seconds: Option<u32>,
    },
    /// Nobody knows: a timeout, a broken connection, an error after which it may have been taken.
    Unknown {
        /// What was seen.
        reason: Reason,
    },
}

/// Records how the call of an attempt ended, and applies what the provider reported meanwhile.
#[derive(Debug)]
pub struct RecordAttempt {
    /// The delivery.
    pub message: MessageId,
    /// The fencing token of the lease.
    pub token: i64,
    /// The attempt.
    pub attempt: AttemptId,
    /// How its call ended.
    pub outcome: SendOutcome,
}

/// Why it was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Another worker has a newer lease; it has settled the attempt as unknown.
    #[error("the lease is lost")]
    Stale,
    /// The attempt is not one whose call is under way.
    #[error("no call of this attempt is under way")]
    NotCalling,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RecordError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Stale => ErrorKind::Refused("lease-lost"),
            Self::NotCalling => ErrorKind::Refused("attempt-not-calling"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Outbox + Attempts + ?Sized> Command<Tx> for RecordAttempt {
    type Permission = permissions::AttemptRecord;
    type Output = Progress;
    type Error = RecordError;

    fn entity(&self) -> Entity {
        self.attempt.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Progress, RecordError> {
        let now = tx.context().at();
        let mut held = match tx.hold(self.message, self.token).await {
            Err(StoreError::Conflict) => return Err(RecordError::Stale),
            held => held?,
        };
        if !held
            .open
            .as_ref()
            .is_some_and(|open| open.id == self.attempt && open.state == AttemptState::Intent)
        {
            return Err(RecordError::NotCalling);
        }
        self.settle(tx, &mut held, now).await?;
        if let SendOutcome::Accepted { delivered: true, .. } = self.outcome {
            receive(tx, &mut held, &self.delivered(now), None, now).await?;
        }
        receive_parked(tx, &mut held, self.attempt, now).await?;
        Ok(finish(tx, &held, now).await?)
    }
}

impl RecordAttempt {
    async fn settle<Tx: Attempts + ?Sized>(
        &self,
        tx: &mut Tx,
        held: &mut Held,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (event, reason, provider_ref) = match &self.outcome {
            SendOutcome::Accepted {
                provider_ref,
                queue_seconds,
                ..
            } => (
                Event::Taken {
                    queue_seconds: *queue_seconds,
                },
                None,
                provider_ref.as_deref().map(cut),
            ),
            SendOutcome::Refused {
                class,
                reason,
                retry_after_seconds,
            } => {
                let event = Event::Refused {
                    class: *class,
                    retry_after_seconds: *retry_after_seconds,
                };
                (event, Some(reason.clone()), None)
            }
            SendOutcome::Unknown { reason } => (Event::Lost, Some(reason.clone()), None),
        };
        if held.delivery.terminal().is_none() {
            let turn = step(&held.plan(), held.delivery, event, now);
            return take(
                tx,
                held,
                turn,
                Facts {
                    reason,
                    provider_ref,
                    fresh: None,
                },
                now,
            )
            .await;
        }
        // It ended meanwhile: the call's result belongs to the attempt alone.
        let Some(mut open) = held.open.take() else {
            return Ok(());
        };
        let state = match event {
            Event::Taken { .. } => AttemptState::Accepted,
            Event::Refused { .. } if open.sends <= 1 => AttemptState::Refused,
            _ => AttemptState::Unknown,
        };
        settle(&mut open, state, reason, provider_ref, now);
        tx.save_attempt(&open).await
    }

    /// The answer itself was the receipt.
    fn delivered(&self, now: Timestamp) -> Callback {
        Callback {
            attempt: self.attempt,
            event: "answer".to_owned(),
            stage: Some(Stage::Delivered),
            class: NO_CLASS,
            reason: None,
            received_at: now,
            parked: false,
        }
    }
}

fn cut(provider_ref: &str) -> String {
    provider_ref.chars().take(200).collect()
}
