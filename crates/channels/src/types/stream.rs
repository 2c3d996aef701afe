//! What a principal's stream holds.
use keepgate_kernel::{AttemptId, MessageId, Timestamp};

use super::{Priority, Sealed};

/// One event of a stream: a message for its principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEvent {
    /// Its number; the first is 1, and none is missing.
    pub seq: i64,
    /// The message.
    pub message: MessageId,
    /// The attempt that put it here.
    pub attempt: AttemptId,
    /// When it was put here.
    pub at: Timestamp,
    /// The message's payload.
    pub payload: Sealed,
    /// The message's text.
    pub text: Option<Sealed>,
    /// The type of the payload.
    pub content_type: String,
    /// How urgent the sender says it is.
    pub priority: Priority,
    /// Whether an acknowledgement is wanted.
    pub require_ack: bool,
    /// When the message was accepted.
    pub accepted_at: Timestamp,
}
