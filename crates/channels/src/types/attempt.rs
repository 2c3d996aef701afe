//! One try, as stored and shown.
use keepgate_kernel::{AttemptId, MessageId, Timestamp};

use super::{Channel, Reason};
use crate::machine::{AttemptState, RefusalClass, Stage};

/// The provider's name of the built-in streams.
pub const STREAM: &str = "stream";
/// The provider's name of outgoing webhooks.
pub const WEBHOOK: &str = "webhook";

/// One try on one channel through one provider, or the record of a skipped step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its id; also the idempotency key towards the provider, the same for every repetition of the try.
    pub id: AttemptId,
    /// The message it carries.
    pub message: MessageId,
    /// The step, counted from 0.
    pub step: u8,
    /// Which contact of the step's channel, counted from 0.
    pub target: u8,
    /// Which try of the step, counted from 1.
    pub number: u8,
    /// The channel.
    pub channel: Channel,
    /// The provider; `None` for a skipped step.
    pub provider: Option<String>,
    /// Whether the provider recognises a repetition by its key.
    pub idempotent: bool,
    /// How far it has come.
    pub state: AttemptState,
    /// Whether the delivery waits for it.
    pub live: bool,
    /// Why it was refused, is unknown, or was not delivered.
    pub reason: Option<Reason>,
    /// What the provider calls it.
    pub provider_ref: Option<String>,
    /// How often the request was sent: 0 for a skipped step, more than 1 only where `idempotent`.
    pub sends: u16,
    /// The fencing token of the lease under which it was last sent.
    pub token: i64,
    /// When it began.
    pub at: Timestamp,
    /// How long its delivery waits for it.
    pub ends: Timestamp,
    /// When its present state was reported, once one was.
    pub settled_at: Option<Timestamp>,
}

/// What a provider reported about an attempt after it took it. Each event counts once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    /// The attempt.
    pub attempt: AttemptId,
    /// The event, unique for the attempt: at most 200 characters.
    pub event: String,
    /// How far the provider has come; `None` for news that is no receipt.
    pub stage: Option<Stage>,
    /// For [`Stage::Undelivered`]: what may still help.
    pub class: RefusalClass,
    /// For [`Stage::Undelivered`]: why.
    pub reason: Option<Reason>,
    /// When it came.
    pub received_at: Timestamp,
    /// It came before the attempt's own answer was known, and waits for that.
    pub parked: bool,
}
