//! A worker's hold on a delivery.
use keepgate_kernel::{MessageId, PrincipalId, Timestamp};

use super::{Ack, Attempt, Channel, Contact, Priority, RouteSnapshot, Status, WebhookUrl, addressees};
use crate::{
    machine::{AttemptState, Delivery, Leg, Live, LiveState, Plan, Position},
    ports::Keep,
    types::Address,
};

/// The name of one worker process: 1 to 100 characters, for people who look into the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerId(String);

impl WorkerId {
    /// The first 100 characters of `name`; `worker` if there are none.
    #[must_use]
    pub fn new(name: &str) -> Self {
        if name.is_empty() {
            Self("worker".to_owned())
        } else {
            Self(name.chars().take(100).collect())
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A lease: whoever names its token may write, until somebody else has taken a newer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The delivery.
    pub message: MessageId,
    /// The fencing token; every lease of a delivery has a higher one than the last.
    pub token: i64,
    /// Until when nobody else may take it. An outward call must end before.
    pub until: Timestamp,
}

/// What a leased delivery wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    /// A try may begin, or be repeated: [`StartAttempt`](crate::commands::StartAttempt).
    Start,
    /// A timer ran out: [`AdvanceDelivery`](crate::commands::AdvanceDelivery).
    Advance,
}

/// A delivery that was just leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leased {
    /// The lease.
    pub lease: Lease,
    /// Which command to run for it.
    pub todo: Todo,
}

/// Whom one try of a step addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The streams of all principals among the contacts at once.
    Streams(Vec<PrincipalId>),
    /// One webhook, telephone or mailbox.
    One(Address),
}

/// A delivery whose row this transaction has locked: nobody else can change it before the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The message.
    pub message: MessageId,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Its contacts.
    pub contacts: Vec<Contact>,
    /// Its route.
    pub route: RouteSnapshot,
    /// The type of its payload.
    pub content_type: String,
    /// Its urgency.
    pub priority: Priority,
    /// Whether only an acknowledgement ends it well.
    pub require_ack: bool,
    /// When it ends at the latest.
    pub deadline: Timestamp,
    /// The recipient's language.
    pub locale: Option<String>,
    /// Where it stands.
    pub delivery: Delivery,
    /// Whether any try has begun or any step was skipped.
    pub begun: bool,
    /// The try it waits for; or, once it has ended, the one that was under way then and has not been settled.
    pub open: Option<Attempt>,
    /// Its lease, if a worker has one; it may have run out.
    pub lease: Option<Lease>,
    /// Its acknowledgement, if there is one.
    pub ack: Option<Ack>,
}

impl Held {
    /// The targets of a step's channel, in order.
    #[must_use]
    pub fn targets(&self, channel: Channel) -> Vec<Target> {
        let mut targets = Vec::new();
        if channel == Channel::Internet {
            let principals = addressees(&self.contacts);
            if !principals.is_empty() {
                targets.push(Target::Streams(principals));
            }
        }
        let others = self.contacts.iter().filter(|contact| contact.channel() == channel);
        targets.extend(
            others
                .filter(|contact| !matches!(contact.address(), Address::Stream(_)))
                .map(|contact| Target::One(contact.address().clone())),
        );
        targets
    }

    /// The state machine's view of a row and its live attempt.
    pub(crate) fn state(status: Status, at: Position, due: Timestamp, open: Option<&Attempt>) -> Delivery {
        if let Some(terminal) = status.terminal() {
            return Delivery::Ended(terminal);
        }
        let live = open.filter(|attempt| attempt.live).and_then(|attempt| {
            let state = LiveState::of(attempt.state)?;
            Some(Live {
                state,
                ends: attempt.ends,
                sends: attempt.sends,
                idempotent: attempt.idempotent,
            })
        });
        match live {
            Some(live) => Delivery::Trying { at, live, due },
            None => Delivery::Ready { at, due },
        }
    }

    /// Whether the lease stays, and when the delivery can be taken next: never, once it has ended and no call is under way.
    pub(crate) fn wake(&self, keep: Keep, now: Timestamp) -> (bool, Option<Timestamp>) {
        let until = self.lease.map(|lease| lease.until);
        let calling = self
            .open
            .as_ref()
            .is_some_and(|attempt| attempt.state == AttemptState::Intent);
        match (self.delivery.due(), keep) {
            (None, _) if calling => (until.is_some(), Some(until.unwrap_or(now))),
            (None, _) => (false, None),
            (Some(due), Keep::Lease) => (until.is_some(), Some(until.unwrap_or(due))),
            (Some(due), Keep::Nothing) => (false, Some(due)),
        }
    }

    /// The webhook that try number `target` of a step addresses, if it is one.
    #[must_use]
    pub fn webhook(target: &Target) -> Option<&WebhookUrl> {
        match target {
            Target::One(Address::Webhook(url)) => Some(url),
            _ => None,
        }
    }

    /// What the state machine has to know.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let legs = self.route.route.steps().iter().map(|step| Leg {
            wait_seconds: step.wait_seconds,
            attempts: step.attempts,
            targets: u8::try_from(self.targets(step.channel).len()).unwrap_or(u8::MAX),
            fan_out: step.channel == Channel::Internet,
        });
        Plan {
            legs: legs.collect(),
            require_ack: self.require_ack,
            deadline: self.deadline,
            spread: self.message.uuid().as_u64_pair().1,
        }
    }
}
