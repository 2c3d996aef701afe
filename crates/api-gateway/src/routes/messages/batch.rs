//! `POST /v1/messages:batch`: many messages, one answer for each.
use axum::{Json as Answer, extract::State, http::StatusCode};
use keepgate_kernel::Action;
use keepgate_policy::decide;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::accept::{AcceptedView, NewMessage};
use crate::{Api, Caller, Problem, ProblemBody, extract::Json};

const MAX: usize = 500;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(batch))
}

/// Messages to send.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Batch {
    /// 1 to 500.
    #[schema(value_type = Vec<NewMessage>)]
    messages: Vec<serde_json::Value>,
}

/// What became of one message.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Item {
    /// It was accepted.
    Accepted(AcceptedView),
    /// It was not.
    Refused {
        /// Why.
        problem: ProblemBody,
    },
}

/// One result for each message, in their order.
#[derive(Serialize, ToSchema)]
struct BatchView {
    /// The results.
    items: Vec<Item>,
}

/// Takes up to 500 messages. Each is accepted or refused by itself, with an audit entry of its own.
#[utoipa::path(post, path = "/v1/messages:batch", tag = "messages", security(("bearer" = [])), request_body = Batch,
    responses((status = 202, body = BatchView), (status = 403, body = ProblemBody), (status = 413, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn batch(
    caller: Caller,
    State(api): State<Api>,
    body: Json<Batch>,
) -> Result<(StatusCode, Answer<BatchView>), Problem> {
    if !(1..=MAX).contains(&body.value.messages.len()) {
        return Err(Problem::invalid("/messages", "1 to 500 messages"));
    }
    // Who may send nothing is told once, and not 500 times.
    decide(
        caller.context().principal(),
        caller.context().credential(),
        Action::MessageAccept,
    )?;
    let mut items = Vec::with_capacity(body.value.messages.len());
    for (index, message) in body.value.messages.into_iter().enumerate() {
        items.push(match one(&caller, &api, message).await {
            Ok(accepted) => Item::Accepted(accepted),
            Err(problem) => Item::Refused {
                problem: problem
                    .below(&format!("/messages/{index}"))
                    .body(Some(caller.context().request().to_string())),
            },
        });
    }
    Ok((StatusCode::ACCEPTED, Answer(BatchView { items })))
}

async fn one(caller: &Caller, api: &Api, message: serde_json::Value) -> Result<AcceptedView, Problem> {
    let message: NewMessage = crate::extract::value(message)?;
    let command = message.command(api, caller).await?;
    let done = caller.perform_with_receipt(api, &command).await?;
    Ok(AcceptedView::new(&done.output, &done.receipt))
}
