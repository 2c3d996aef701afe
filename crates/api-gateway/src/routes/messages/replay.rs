//! `POST /v1/messages/{message}/replay`: send a message again, as a new one.
use axum::{body::Bytes, extract::State, http::StatusCode, response::Response};
use keepgate_channels::{Sealed, commands::ReplayMessage};
use keepgate_kernel::{MessageId, TenantId};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    accept::AcceptedView,
    contact::{place, seal},
};
use crate::{Api, Caller, Problem, ProblemBody, extract::Path, once::Idempotency};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(replay))
}

/// Makes a new message of an old one: the same contacts, route, payload and length of life.
#[utoipa::path(post, path = "/v1/messages/{message}/replay", tag = "messages", security(("bearer" = [])),
    params(("message" = String, Path, description = "the old message")),
    responses((status = 200, body = AcceptedView), (status = 404, body = ProblemBody)))]
async fn replay(
    caller: Caller,
    State(api): State<Api>,
    Path(original): Path<MessageId>,
    once: Idempotency,
) -> Result<Response, Problem> {
    let (id, tenant) = (MessageId::new(caller.now()), caller.context().tenant());
    // What is sealed is bound to its row: it is opened and sealed anew.
    let old = api
        .gate
        .store()
        .begin(caller.context())
        .await?
        .sealed_payload(original)
        .await?;
    let (payload, text) = match old {
        Some(old) => {
            let payload = moved(&api, tenant, "payload", original, id, &old.payload).await?;
            let text = match &old.text {
                Some(text) => Some(moved(&api, tenant, "text", original, id, text).await?),
                None => None,
            };
            (payload, text)
        }
        // Nothing to see: the command says so, and the log with it.
        None => (Sealed::new(vec![0]), None),
    };
    let command = ReplayMessage {
        id,
        original,
        payload,
        text,
    };
    once.perform(
        &api,
        &caller,
        &Bytes::new(),
        &command,
        StatusCode::OK,
        AcceptedView::new,
    )
    .await
}

async fn moved(
    api: &Api,
    tenant: TenantId,
    column: &'static str,
    from: MessageId,
    to: MessageId,
    sealed: &Sealed,
) -> Result<Sealed, Problem> {
    let opened = api
        .gate
        .open(&place(tenant, column, from.uuid()), sealed.as_bytes())
        .await?;
    seal(api, place(tenant, column, to.uuid()), &opened).await
}
