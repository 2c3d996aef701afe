//! `POST /v1/messages`: send a message.
use axum::{extract::State, http::StatusCode, response::Response};
use data_encoding::{BASE64, HEXLOWER};
use keepgate_audit::Receipt;
use keepgate_channels::{
    Contact, MAX_PAYLOAD_BYTES, MAX_TEXT_CHARS, Priority,
    commands::{AcceptMessage, Accepted, Destination},
};
use keepgate_kernel::{MessageId, RecipientId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::contact::{ContactView, place, seal};
use crate::{Api, Caller, Problem, ProblemBody, extract::Json, once::Idempotency};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(accept))
}

/// A message to send: to a recipient, or to contacts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMessage {
    /// A recipient's id.
    #[schema(value_type = Option<String>, example = "rcp_01jd0000000000000000000000")]
    recipient: Option<RecipientId>,
    /// Contacts instead of a recipient, 1 to 20.
    #[schema(value_type = Option<Vec<ContactView>>)]
    to: Option<Vec<Contact>>,
    /// The name of a route; `standard` if absent.
    #[schema(example = "standard")]
    route: Option<String>,
    /// Base64 (RFC 4648), at most 256 KiB decoded. Never read by the gateway.
    #[schema(example = "aGVsbG8=")]
    payload: String,
    /// The type of the payload; `application/octet-stream` if absent.
    content_type: Option<String>,
    /// What SMS and voice may say, 1 to 1,600 characters. Without it they say only that a message waits.
    text: Option<String>,
    /// `low`, `normal`, `high` or `urgent`; `normal` if absent.
    #[schema(value_type = Option<String>)]
    priority: Option<Priority>,
    /// When it ends at the latest, within seven days (RFC 3339).
    #[schema(value_type = Option<String>)]
    deadline: Option<Timestamp>,
    /// Whether only an acknowledgement ends it well; what the route says if absent.
    require_ack: Option<bool>,
}

/// The audit entry that was committed together with the message.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReceiptView {
    /// The entry.
    #[schema(example = "aud_01jd0000000000000000000000")]
    entry_id: String,
    /// SHA-256 of its leaf (RFC 6962), hexadecimal: keep it, and ask for the proof later.
    leaf_hash: String,
}

impl From<&Receipt> for ReceiptView {
    fn from(receipt: &Receipt) -> Self {
        Self {
            entry_id: receipt.entry.to_string(),
            leaf_hash: HEXLOWER.encode(&receipt.leaf_hash),
        }
    }
}

/// A message that will reach an end everybody can see.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AcceptedView {
    /// Its id.
    #[schema(example = "msg_01jd0000000000000000000000")]
    id: String,
    /// `accepted`.
    status: &'static str,
    /// The receipt.
    audit: ReceiptView,
}

impl AcceptedView {
    pub(super) fn new(accepted: &Accepted, receipt: &Receipt) -> Self {
        Self {
            id: accepted.id.to_string(),
            status: "accepted",
            audit: receipt.into(),
        }
    }
}

impl NewMessage {
    /// The command, with payload and text sealed for the new row.
    pub(super) async fn command(self, api: &Api, caller: &Caller) -> Result<AcceptMessage, Problem> {
        let to = match (self.recipient, self.to) {
            (Some(recipient), None) => Destination::Recipient(recipient),
            (None, Some(contacts)) => Destination::Contacts(contacts),
            _ => return Err(Problem::invalid("/recipient", "give either `recipient` or `to`")),
        };
        let payload = BASE64
            .decode(self.payload.as_bytes())
            .map_err(|_| Problem::invalid("/payload", "not base64 (RFC 4648, padded)"))?;
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(Problem::invalid("/payload", "more than 256 KiB").of_kind("payload-too-large"));
        }
        // Without a text there is a standard one; an empty one would be an empty SMS.
        if self
            .text
            .as_ref()
            .is_some_and(|text| !(1..=MAX_TEXT_CHARS).contains(&text.chars().count()))
        {
            return Err(Problem::invalid("/text", "1 to 1,600 characters"));
        }
        let (id, tenant) = (MessageId::new(caller.now()), caller.context().tenant());
        let sealed = seal(api, place(tenant, "payload", id.uuid()), &payload).await?;
        let text = match &self.text {
            Some(text) => Some(seal(api, place(tenant, "text", id.uuid()), text.as_bytes()).await?),
            None => None,
        };
        Ok(AcceptMessage {
            id,
            to,
            route: self.route,
            payload: sealed,
            text,
            content_type: self.content_type,
            priority: self.priority.unwrap_or(Priority::Normal),
            deadline: self.deadline,
            require_ack: self.require_ack,
        })
    }
}

/// Takes a message. After 202 it is durable and will be delivered, or end visibly.
#[utoipa::path(post, path = "/v1/messages", tag = "messages", security(("bearer" = [])), request_body = NewMessage,
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and body gives the same answer")),
    responses((status = 202, body = AcceptedView), (status = 409, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn accept(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewMessage>,
) -> Result<Response, Problem> {
    let command = body.value.command(&api, &caller).await?;
    once.perform(
        &api,
        &caller,
        &body.raw,
        &command,
        StatusCode::ACCEPTED,
        AcceptedView::new,
    )
    .await
}
