//! A message, and what is shown of it.
use keepgate_kernel::{AttemptId, MessageId, PrincipalId, RecipientId, Timestamp, UnitId};

use super::{Attempt, Contact, Priority, RouteSnapshot, Sealed, Status};

/// The largest payload before sealing, in bytes: 256 KiB.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024;
/// The longest text before sealing, in characters: what one SMS request may carry.
pub const MAX_TEXT_CHARS: usize = 1_600;
/// The most bytes that sealing may add.
pub const MAX_SEAL_BYTES: usize = 1_024;
/// The type of a payload whose sender named none.
pub const DEFAULT_CONTENT_TYPE: &str = "application/octet-stream";

/// Whether `text` can be a content type: `type/subtype` with optional parameters, 3 to 100 printable ASCII characters.
#[must_use]
pub fn is_content_type(text: &str) -> bool {
    let essence = text.split(';').next().unwrap_or("");
    let token = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b))
    };
    (3..=100).contains(&text.len())
        && text.bytes().all(|b| (0x20..0x7f).contains(&b))
        && essence
            .trim_end()
            .split_once('/')
            .is_some_and(|(kind, subtype)| token(kind) && token(subtype))
}

/// A message as accepted. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Who sent it.
    pub sender: PrincipalId,
    /// The sender's unit, for levels 1 to 3.
    pub unit: Option<UnitId>,
    /// The recipient it was sent to, if it was not sent to bare contacts.
    pub recipient: Option<RecipientId>,
    /// The contacts, as they were then.
    pub contacts: Vec<Contact>,
    /// The route, as it was then.
    pub route: RouteSnapshot,
    /// The payload.
    pub payload: Sealed,
    /// What SMS and voice may say; without it they say only that a message waits.
    pub text: Option<Sealed>,
    /// The type of the payload.
    pub content_type: String,
    /// How urgent the sender says it is.
    pub priority: Priority,
    /// Whether only an acknowledgement ends it well.
    pub require_ack: bool,
    /// When it ends at the latest.
    pub deadline: Timestamp,
    /// The recipient's language.
    pub locale: Option<String>,
    /// The message it repeats.
    pub replay_of: Option<MessageId>,
}

/// The sealed parts of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedContent {
    /// The payload.
    pub payload: Sealed,
    /// What SMS and voice may say.
    pub text: Option<Sealed>,
}

/// Who acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckBy {
    /// A principal, through the API.
    Principal(PrincipalId),
    /// Whoever answered this attempt, by pressing 1.
    Attempt(AttemptId),
}

/// An acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: AckBy,
    /// What they added.
    pub note: Option<Sealed>,
}

/// A message as shown in a list: everything but what is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageSummary {
    /// Its id.
    pub id: MessageId,
    /// Where it stands.
    pub status: Status,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Who sent it.
    pub sender: PrincipalId,
    /// The sender's unit.
    pub unit: Option<UnitId>,
    /// The recipient, if it was not sent to bare contacts.
    pub recipient: Option<RecipientId>,
    /// The contacts, as they were when it was accepted.
    pub contacts: Vec<Contact>,
    /// The route, as it was when it was accepted.
    pub route: RouteSnapshot,
    /// The type of the payload.
    pub content_type: String,
    /// How urgent the sender says it is.
    pub priority: Priority,
    /// Whether only an acknowledgement ends it well.
    pub require_ack: bool,
    /// When it ends at the latest.
    pub deadline: Timestamp,
    /// The acknowledgement, if there is one.
    pub ack: Option<Ack>,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// The recipient's language.
    pub locale: Option<String>,
    /// The message it repeats.
    pub replay_of: Option<MessageId>,
}

/// A message and its journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageView {
    /// The message.
    pub message: MessageSummary,
    /// Every try and every skipped step, in order.
    pub attempts: Vec<Attempt>,
}

/// Which messages a list wants; every given field narrows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Only those that stand here.
    pub status: Option<Status>,
    /// Only those sent to this recipient.
    pub recipient: Option<RecipientId>,
    /// Only those accepted at or after this instant.
    pub from: Option<Timestamp>,
    /// Only those accepted before this instant.
    pub to: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_have_a_type_and_a_subtype() {
        for good in [
            "text/plain",
            "application/vnd.x+json",
            "text/plain; charset=utf-8",
            DEFAULT_CONTENT_TYPE,
        ] {
            assert!(is_content_type(good), "{good}");
        }
        for bad in [
            "",
            "text",
            "/plain",
            "text/",
            "text/plain\r\nx: y",
            "te xt/plain",
            &format!("text/{}", "a".repeat(100)),
        ] {
            assert!(!is_content_type(bad), "{bad}");
        }
    }
}
