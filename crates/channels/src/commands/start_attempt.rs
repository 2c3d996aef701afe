//! Beginning an attempt.
use std::sync::Arc;

use keepgate_kernel::{AttemptId, Entity, MessageId, PrincipalId, Timestamp};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use super::progress::{Facts, Progress, finish, take, tick};
use crate::{
    machine::{AttemptState, Delivery, Event, Position, Reach, Turn, step},
    ports::{Attempts, Keep, Messages, Outbox, StreamEvents, Webhooks},
    types::{
        Address, Attempt, Carriers, Channel, Held, Lease, Priority, Reason, STREAM, SealedContent, Step, Target,
        Webhook,
    },
};

/// Begins the next attempt of a leased delivery, or repeats the live one, after reading everything anew: acknowledgement, end,
/// deadline, token. A step that has nobody to ask is skipped with a recorded attempt.
#[derive(Debug)]
pub struct StartAttempt {
    /// The delivery.
    pub message: MessageId,
    /// The fencing token of the lease.
    pub token: i64,
    /// The id of the attempt, should a new one begin.
    pub attempt: AttemptId,
    /// The configured providers.
    pub carriers: Arc<Carriers>,
}

/// A call to make, now that the intent is written. Its result goes to [`RecordAttempt`](super::RecordAttempt).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The attempt; its id is the idempotency key, the same for every repetition.
    pub attempt: AttemptId,
    /// The lease. The call must end before it does.
    pub lease: Lease,
    /// The provider.
    pub provider: String,
    /// The channel.
    pub channel: Channel,
    /// Whom to reach.
    pub address: Address,
    /// The registration of a webhook, with its sealed secret.
    pub webhook: Option<Webhook>,
    /// What to carry, sealed for the message's row.
    pub content: SealedContent,
    /// The type of the payload.
    pub content_type: String,
    /// How urgent the sender says it is.
    pub priority: Priority,
    /// The recipient's language.
    pub locale: Option<String>,
    /// When the message was accepted.
    pub accepted_at: Timestamp,
    /// How long the delivery waits for this attempt, in seconds, at least 1.
    pub budget_seconds: u32,
    /// Whether it was sent before.
    pub repeat: bool,
}

/// What a start came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The intent is written and the lease kept: make this call.
    Call(Box<Call>),
    /// The message is on these principals' streams, under the number given for each.
    Streamed {
        /// Whose streams, and the new event's number on each.
        streams: Vec<(PrincipalId, i64)>,
        /// Where the delivery stands now.
        progress: Progress,
    },
    /// Nobody to ask: the step or target was skipped.
    Skipped {
        /// Why.
        reason: Reason,
        /// Where the delivery stands now.
        progress: Progress,
    },
    /// No attempt was wanted; time was let pass instead.
    Moved(Progress),
}

/// Why nothing was begun.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another worker has a newer lease.
    #[error("the lease is lost")]
    Stale,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for StartError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Stale => ErrorKind::Refused("lease-lost"),
            Self::Store(error) => error.kind(),
        }
    }
}

/// Where a try would go.
enum Choice {
    Streams(Vec<PrincipalId>),
    Carrier {
        name: String,
        idempotent: bool,
        address: Address,
        webhook: Option<Webhook>,
    },
    NoTarget(&'static str),
    NoStep(&'static str),
}

impl<Tx: Transaction + Outbox + Attempts + Messages + StreamEvents + Webhooks + ?Sized> Command<Tx> for StartAttempt {
    type Permission = permissions::AttemptStart;
    type Output = Begun;
    type Error = StartError;

    fn entity(&self) -> Entity {
        self.message.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Begun, StartError> {
        let now = tx.context().at();
        let mut held = match tx.hold(self.message, self.token).await {
            Err(StoreError::Conflict) => return Err(StartError::Stale),
            held => held?,
        };
        let wanted = held.delivery.wants_start(held.deadline, now);
        let place = held.delivery.position().filter(|_| wanted).and_then(|at| {
            let step = held.route.route.steps().get(usize::from(at.step))?.clone();
            Some((at, step))
        });
        let Some((at, step)) = place else {
            tick(tx, &mut held, now).await?;
            return Ok(Begun::Moved(finish(tx, &held, now).await?));
        };
        let choice = self.choose(tx, &held, at, &step).await?;
        self.begin(tx, held, (at, step.channel), choice, now).await
    }
}

impl StartAttempt {
    async fn choose<Tx: Webhooks + ?Sized>(
        &self,
        tx: &mut Tx,
        held: &Held,
        at: Position,
        step: &Step,
    ) -> Result<Choice, StoreError> {
        let targets = held.targets(step.channel);
        let Some(target) = targets.get(usize::from(at.target)).cloned() else {
            return Ok(Choice::NoStep(Reason::NO_CONTACT));
        };
        let address = match target {
            Target::Streams(principals) if step.provider.as_deref().is_none_or(|name| name == STREAM) => {
                return Ok(Choice::Streams(principals));
            }
            Target::Streams(_) => return Ok(Choice::NoTarget(Reason::NO_PROVIDER)),
            Target::One(address) => address,
        };
        // A repetition goes to the provider that may have it already.
        let open = held.open.as_ref().and_then(|open| open.provider.as_deref());
        let Some(carrier) = self
            .carriers
            .pick(step.channel, open.or(step.provider.as_deref()), at.tries)
        else {
            return Ok(if targets.len() > 1 && step.channel == Channel::Internet {
                Choice::NoTarget(Reason::NO_PROVIDER)
            } else {
                Choice::NoStep(Reason::NO_PROVIDER)
            });
        };
        let webhook = match &address {
            Address::Webhook(url) => match tx.webhook_at(url).await? {
                Some(webhook) => Some(webhook),
                None => return Ok(Choice::NoTarget(Reason::NO_WEBHOOK)),
            },
            _ => None,
        };
        Ok(Choice::Carrier {
            name: carrier.name.clone(),
            idempotent: carrier.idempotent,
            address,
            webhook,
        })
    }

    async fn begin<Tx: Outbox + Attempts + Messages + StreamEvents + ?Sized>(
        &self,
        tx: &mut Tx,
        mut held: Held,
        (at, channel): (Position, Channel),
        choice: Choice,
        now: Timestamp,
    ) -> Result<Begun, StartError> {
        let (reach, reason) = match &choice {
            Choice::Streams(_) => (Reach::Open { idempotent: true }, None),
            Choice::Carrier { idempotent, .. } => (
                Reach::Open {
                    idempotent: *idempotent,
                },
                None,
            ),
            Choice::NoTarget(reason) => (Reach::NoTarget, Some(Reason::new(reason))),
            Choice::NoStep(reason) => (Reach::NoStep, Some(Reason::new(reason))),
        };
        let plan = held.plan();
        let turn = step(&plan, held.delivery, Event::Due(reach), now);
        let fresh = self.attempt(&held, (at, channel), &turn, &choice, now);
        let facts = |fresh| Facts {
            reason: reason.clone(),
            provider_ref: None,
            fresh,
        };
        match choice {
            Choice::Carrier {
                name, address, webhook, ..
            } => {
                take(tx, &mut held, turn, facts(Some(fresh)), now).await?;
                tx.save(&held, Keep::Lease, now).await?;
                let content = tx
                    .sealed_payload(self.message)
                    .await?
                    .ok_or(StoreError::corrupt("channels.message", "payload"))?;
                Ok(Begun::Call(Box::new(self.call(
                    held,
                    (name, channel),
                    address,
                    webhook,
                    content,
                    now,
                )?)))
            }
            Choice::Streams(principals) => {
                // Being on the stream is being taken: no call, so no moment between intent and answer.
                let taken = step(&plan, turn.delivery, Event::Taken { queue_seconds: 0 }, now);
                let fresh = Attempt {
                    state: AttemptState::Accepted,
                    settled_at: Some(now),
                    ..fresh
                };
                take(
                    tx,
                    &mut held,
                    Turn {
                        delivery: taken.delivery,
                        effects: turn.effects,
                    },
                    facts(Some(fresh)),
                    now,
                )
                .await?;
                let mut streams = Vec::new();
                for principal in principals {
                    streams.push((
                        principal,
                        tx.append_event(principal, self.message, self.attempt, now).await?,
                    ));
                }
                Ok(Begun::Streamed {
                    streams,
                    progress: finish(tx, &held, now).await?,
                })
            }
            Choice::NoTarget(word) | Choice::NoStep(word) => {
                take(tx, &mut held, turn, facts(Some(fresh)), now).await?;
                Ok(Begun::Skipped {
                    reason: Reason::new(word),
                    progress: finish(tx, &held, now).await?,
                })
            }
        }
    }

    /// The attempt to add, or the live one to repeat.
    fn attempt(
        &self,
        held: &Held,
        (at, channel): (Position, Channel),
        turn: &Turn,
        choice: &Choice,
        now: Timestamp,
    ) -> Attempt {
        if let (Some(open), Delivery::Trying { .. }) = (&held.open, held.delivery) {
            return Attempt {
                state: AttemptState::Intent,
                token: self.token,
                settled_at: None,
                ..open.clone()
            };
        }
        let (provider, idempotent, skipped) = match choice {
            Choice::Streams(_) => (Some(STREAM.to_owned()), true, None),
            Choice::Carrier { name, idempotent, .. } => (Some(name.clone()), *idempotent, None),
            Choice::NoTarget(reason) | Choice::NoStep(reason) => (None, false, Some(Reason::new(reason))),
        };
        let begun = if skipped.is_some() {
            at
        } else {
            turn.delivery.position().unwrap_or(at)
        };
        let attempts = held
            .route
            .route
            .steps()
            .get(usize::from(at.step))
            .map_or(1, |step| step.attempts);
        Attempt {
            id: self.attempt,
            message: self.message,
            step: at.step,
            target: at.target,
            number: begun.number(attempts),
            channel,
            provider,
            idempotent,
            state: if skipped.is_some() {
                AttemptState::Refused
            } else {
                AttemptState::Intent
            },
            live: skipped.is_none(),
            settled_at: skipped.as_ref().map(|_| now),
            reason: skipped,
            provider_ref: None,
            sends: 0,
            token: self.token,
            at: now,
            ends: now,
        }
    }

    fn call(
        &self,
        held: Held,
        (provider, channel): (String, Channel),
        address: Address,
        webhook: Option<Webhook>,
        content: SealedContent,
        now: Timestamp,
    ) -> Result<Call, StoreError> {
        let (Some(open), Some(lease)) = (held.open, held.lease) else {
            return Err(StoreError::Conflict);
        };
        let budget = (open.ends.min(held.deadline) - now).num_seconds();
        Ok(Call {
            attempt: open.id,
            lease,
            provider,
            channel,
            address,
            webhook,
            content,
            content_type: held.content_type,
            priority: held.priority,
            locale: held.locale,
            accepted_at: held.accepted_at,
            budget_seconds: u32::try_from(budget).unwrap_or(0).max(1),
            repeat: open.sends > 1,
        })
    }
}
