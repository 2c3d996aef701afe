//! Taking what a provider reports.
use keepgate_kernel::{AttemptId, Entity, MessageId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use super::progress::{Facts, NO_CLASS, finish_beside, receive, take};
use crate::{
    machine::{AttemptState, Event, RefusalClass, Stage, Terminal, step},
    ports::{Attempts, Outbox},
    types::{Ack, AckBy, Callback, Reason},
};

/// What a provider reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// How far the message has come.
    Receipt {
        /// How far.
        stage: Stage,
        /// For [`Stage::Undelivered`]: what may still help.
        class: RefusalClass,
        /// For [`Stage::Undelivered`]: why.
        reason: Option<Reason>,
    },
    /// Whoever answered the call pressed a key. `1` acknowledges; anything else is noted and changes nothing.
    Digit(char),
    /// Something that tells nothing about the delivery.
    Other,
}

/// Takes a provider's callback, whose signature the caller has checked. Each event counts once; one that comes before the
/// call's own answer waits for it.
#[derive(Debug)]
pub struct TakeCallback {
    /// The attempt, from the callback's URL.
    pub attempt: AttemptId,
    /// A name of the event, the same whenever it is repeated: 1 to 200 characters.
    pub event: String,
    /// What the provider calls the attempt.
    pub provider_ref: Option<String>,
    /// What it reports.
    pub news: News,
}

/// What became of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Took {
    /// The message it concerns.
    pub message: MessageId,
    /// The event was known before.
    pub duplicate: bool,
    /// How the delivery ended, if it has.
    pub ended: Option<Terminal>,
}

/// Why it was not taken.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// There is no such attempt in this tenant.
    #[error("no such attempt")]
    Unknown,
    /// The provider knows the attempt by another reference.
    #[error("the attempt has another provider reference")]
    OtherReference,
    /// The event has no name, or too long a one.
    #[error("an event's name has 1 to 200 characters")]
    Event,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for CallbackError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-attempt"),
            Self::OtherReference => ErrorKind::Refused("other-provider-reference"),
            Self::Event => ErrorKind::Refused("invalid-event"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Outbox + Attempts + ?Sized> Command<Tx> for TakeCallback {
    type Permission = permissions::ProviderCallback;
    type Output = Took;
    type Error = CallbackError;

    fn entity(&self) -> Entity {
        self.attempt.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Took, CallbackError> {
        let now = tx.context().at();
        if !(1..=200).contains(&self.event.chars().count()) {
            return Err(CallbackError::Event);
        }
        let message = tx.attempt(self.attempt).await?.ok_or(CallbackError::Unknown)?.message;
        let mut held = tx.lock(message).await?.ok_or(CallbackError::Unknown)?;
        // Read again under the lock.
        let attempt = tx.attempt(self.attempt).await?.ok_or(CallbackError::Unknown)?;
        if attempt.provider_ref.is_some() && self.provider_ref.is_some() && attempt.provider_ref != self.provider_ref {
            return Err(CallbackError::OtherReference);
        }
        let callback = self.callback(attempt.state == AttemptState::Intent, now);
        if !tx.note_callback(&callback).await? {
            return Ok(Took {
                message,
                duplicate: true,
                ended: held.delivery.terminal(),
            });
        }
        let before = held.delivery;
        if before.terminal().is_none() && self.news == News::Digit('1') {
            let turn = step(&held.plan(), held.delivery, Event::Ack, now);
            take(tx, &mut held, turn, Facts::default(), now).await?;
            held.ack = Some(Ack {
                at: now,
                by: AckBy::Attempt(self.attempt),
                note: None,
            });
        } else if !callback.parked {
            receive(tx, &mut held, &callback, self.provider_ref.clone(), now).await?;
        }
        finish_beside(tx, &held, before, now).await?;
        Ok(Took {
            message,
            duplicate: false,
            ended: held.delivery.terminal(),
        })
    }
}

impl TakeCallback {
    fn callback(&self, early: bool, now: keepgate_kernel::Timestamp) -> Callback {
        let (stage, class, reason) = match &self.news {
            News::Receipt { stage, class, reason } => (Some(*stage), *class, reason.clone()),
            News::Digit(_) | News::Other => (None, NO_CLASS, None),
        };
        let parked = early && stage.is_some();
        Callback {
            attempt: self.attempt,
            event: self.event.clone(),
            stage,
            class,
            reason,
            received_at: now,
            parked,
        }
    }
}
