//! Acknowledging and cancelling.
use axum::{Json as Answer, extract::State};
use keepgate_channels::commands::{AckMessage, CancelMessage};
use keepgate_kernel::MessageId;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    contact::{place, seal},
    view::JourneyView,
};
use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{MaybeJson, Path},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(ack)).routes(routes!(cancel))
}

/// What the recipient adds.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AckBody {
    /// At most 4,096 bytes; kept sealed.
    note: Option<String>,
}

/// Says that the message has been taken note of. Escalation stops; asked again, it answers the same.
#[utoipa::path(post, path = "/v1/messages/{message}/ack", tag = "messages", security(("bearer" = [])), request_body = Option<AckBody>,
    params(("message" = String, Path, description = "its id")),
    responses((status = 200, body = JourneyView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn ack(
    caller: Caller,
    State(api): State<Api>,
    Path(message): Path<MessageId>,
    body: MaybeJson<AckBody>,
) -> Result<Answer<JourneyView>, Problem> {
    let note = match &body.0.note {
        Some(note) => Some(
            seal(
                &api,
                place(caller.context().tenant(), "note", message.uuid()),
                note.as_bytes(),
            )
            .await?,
        ),
        None => None,
    };
    let journey = caller.perform(&api, &AckMessage { message, note }).await?;
    Ok(Answer(JourneyView::from(&journey)))
}

/// Stops a delivery that nobody needs any more. An attempt in flight finishes; nothing new starts.
#[utoipa::path(post, path = "/v1/messages/{message}/cancel", tag = "messages", security(("bearer" = [])),
    params(("message" = String, Path, description = "its id")),
    responses((status = 200, body = JourneyView), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn cancel(
    caller: Caller,
    State(api): State<Api>,
    Path(message): Path<MessageId>,
) -> Result<Answer<JourneyView>, Problem> {
    let journey = caller.perform(&api, &CancelMessage { message }).await?;
    Ok(Answer(JourneyView::from(&journey)))
}
