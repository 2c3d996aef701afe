//! A message as shown.
use keepgate_channels::{AckBy, Attempt, MessageSummary, MessageView as Journey};
use keepgate_kernel::format_time;
use serde::Serialize;
use utoipa::ToSchema;

use super::contact::ContactView;

/// One try, or the record of a skipped step.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AttemptView {
    /// Its id.
    #[schema(example = "att_01jd0000000000000000000000")]
    id: String,
    /// The route's step, from 0.
    step: u8,
    /// `internet`, `sms`, `voice` or `email`.
    channel: &'static str,
    /// Who carried it; absent for a skipped step.
    provider: Option<String>,
    /// `intent`, `accepted`, `refused`, `unknown`, `delivered` or `undelivered`.
    state: &'static str,
    /// When it began.
    at: String,
    /// What the provider calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_ref: Option<String>,
    /// Why it was refused, is unknown, or was not delivered, such as `no-provider`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        Self {
            id: attempt.id.to_string(),
            step: attempt.step,
            channel: attempt.channel.as_str(),
            provider: attempt.provider.clone(),
            state: attempt.state.as_str(),
            at: format_time(attempt.at),
            provider_ref: attempt.provider_ref.clone(),
            reason: attempt.reason.as_ref().map(ToString::to_string),
        }
    }
}

/// Who acknowledged, and when.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AckView {
    /// When.
    at: String,
    /// A principal's id, or the id of the attempt somebody answered.
    by: String,
}

/// Where a message stands. The payload is not here: only its recipient gets it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SummaryView {
    /// Its id.
    #[schema(example = "msg_01jd0000000000000000000000")]
    id: String,
    /// `accepted`, `delivering`, `delivered`, `acknowledged`, `failed`, `cancelled` or `expired`.
    #[schema(example = "delivering")]
    status: &'static str,
    /// The recipient, unless it was sent to bare contacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<String>,
    /// The contacts, as they were when it was accepted.
    contacts: Vec<ContactView>,
    /// The route, as it was when it was accepted.
    route: String,
    /// `low`, `normal`, `high` or `urgent`.
    priority: &'static str,
    /// The type of the payload.
    content_type: String,
    /// Whether only an acknowledgement ends it well.
    require_ack: bool,
    /// Who sent it.
    sender: String,
    /// When it was accepted.
    accepted_at: String,
    /// When it ends at the latest.
    deadline: String,
    /// The acknowledgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    ack: Option<AckView>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    /// The message it repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_of: Option<String>,
}

impl From<&MessageSummary> for SummaryView {
    fn from(message: &MessageSummary) -> Self {
        let ack = message.ack.as_ref().map(|ack| AckView {
            at: format_time(ack.at),
            by: match ack.by {
                AckBy::Principal(principal) => principal.to_string(),
                AckBy::Attempt(attempt) => attempt.to_string(),
            },
        });
        Self {
            id: message.id.to_string(),
            status: message.status.as_str(),
            recipient: message.recipient.map(|recipient| recipient.to_string()),
            contacts: message.contacts.iter().map(ContactView::from).collect(),
            route: message.route.route.name().to_owned(),
            priority: message.priority.as_str(),
            content_type: message.content_type.clone(),
            require_ack: message.require_ack,
            sender: message.sender.to_string(),
            accepted_at: format_time(message.accepted_at),
            deadline: format_time(message.deadline),
            ack,
            ended_at: message.ended_at.map(format_time),
            replay_of: message.replay_of.map(|message| message.to_string()),
        }
    }
}

/// A message and its journey.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JourneyView {
    /// Where it stands.
    #[serde(flatten)]
    message: SummaryView,
    /// Every try and every skipped step, in order.
    attempts: Vec<AttemptView>,
}

impl From<&Journey> for JourneyView {
    fn from(journey: &Journey) -> Self {
        Self {
            message: SummaryView::from(&journey.message),
            attempts: journey.attempts.iter().map(AttemptView::from).collect(),
        }
    }
}
