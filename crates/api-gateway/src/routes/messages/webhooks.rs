//! Webhooks: registered endpoints of the back office.
use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_channels::{
    Page as Part, Sealed, Webhook, WebhookEvent,
    commands::{DeleteWebhook, GetWebhook, ListWebhooks, RegisterWebhook},
    providers::webhooks::signing_secret,
};
use keepgate_crypto_keys::{Place, Purpose, random_secret};
use keepgate_kernel::{WebhookId, format_time};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, Path, Query},
    once::Idempotency,
    page::{self, Page},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(register, list))
        .routes(routes!(get, delete))
}

/// A registered endpoint. The signing secret is shown once, when it is made.
#[derive(Debug, Serialize, ToSchema)]
struct WebhookView {
    /// Its id.
    #[schema(example = "whk_01jd0000000000000000000000")]
    id: String,
    /// Where it listens.
    #[schema(example = "https://desk.example/hook")]
    url: String,
    /// What it wants to hear about.
    events: Vec<&'static str>,
    /// When it was registered.
    created_at: String,
    /// `whsec_…`, for verifying signatures (Standard Webhooks 1.0); only in the answer that registers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// `whpk_…`: the Ed25519 keys that sign every call as well (`v1a`), newest first. The second one signs until the newest is followed by
    /// another, so a receiver knows the newest before it signs alone. Not secret.
    public_keys: Vec<String>,
}

impl WebhookView {
    fn new(webhook: &Webhook, public_keys: &[String]) -> Self {
        Self {
            id: webhook.id.to_string(),
            url: webhook.url.as_str().to_owned(),
            events: webhook.events.iter().map(|event| event.as_str()).collect(),
            created_at: format_time(webhook.created_at),
            secret: None,
            public_keys: public_keys.to_vec(),
        }
    }
}

/// A new endpoint.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWebhook {
    /// https; its name must lead to public addresses.
    #[schema(example = "https://desk.example/hook")]
    url: String,
    /// What it wants to hear about, such as `message.acknowledged`. Kept and shown; events are not sent by this version. Messages can be
    /// addressed to it in any case.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    events: Vec<WebhookEvent>,
}

/// Registers an endpoint. A recipient's internet contact may then name its URL.
#[utoipa::path(post, path = "/v1/webhooks", tag = "messages", security(("bearer" = [])), request_body = NewWebhook,
    responses((status = 201, body = WebhookView), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn register(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewWebhook>,
) -> Result<Response, Problem> {
    let NewWebhook { url, events } = body.value;
    let id = WebhookId::new(caller.now());
    let internal = |_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal-error",
            "something went wrong here",
        )
    };
    let secret = signing_secret(&*random_secret().map_err(internal)?);
    let place = Place {
        tenant: caller.context().tenant(),
        purpose: Purpose::WebhookSecret,
        table: "channels.webhook",
        column: "secret",
        row: id.uuid(),
    };
    let sealed = Sealed::new(api.gate.seal(&place, secret.expose_secret().as_bytes()).await?);
    let command = RegisterWebhook {
        id,
        url,
        events,
        secret: sealed,
    };
    let public_keys = api.public_keys(&caller).await?;
    let view = |webhook: &Webhook| WebhookView {
        secret: Some(secret.expose_secret().to_owned()),
        ..WebhookView::new(webhook, &public_keys)
    };
    once.perform(&api, &caller, &body.raw, &command, StatusCode::CREATED, |webhook, _| {
        view(webhook)
    })
    .await
}

/// Where in the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// 1 to 500, 50 if absent.
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Endpoints in the order they were registered.
#[utoipa::path(get, path = "/v1/webhooks", tag = "messages", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<WebhookView>), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<WebhookView>>, Problem> {
    let page = Part {
        limit: page::limit(query.limit)?,
        after: page::position(query.cursor.as_deref())?,
    };
    let listed = caller.perform(&api, &ListWebhooks { page }).await?;
    let keys = api.public_keys(&caller).await?;
    Ok(Answer(Page::shown(&listed, |webhook| WebhookView::new(webhook, &keys))))
}

/// One endpoint.
#[utoipa::path(get, path = "/v1/webhooks/{webhook}", tag = "messages", security(("bearer" = [])),
    params(("webhook" = String, Path, description = "its id")),
    responses((status = 200, body = WebhookView), (status = 404, body = ProblemBody)))]
async fn get(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<WebhookId>,
) -> Result<Answer<WebhookView>, Problem> {
    let webhook = caller.perform(&api, &GetWebhook { id }).await?;
    Ok(Answer(WebhookView::new(&webhook, &api.public_keys(&caller).await?)))
}

/// Removes an endpoint. Messages under way to it skip it from now on.
#[utoipa::path(delete, path = "/v1/webhooks/{webhook}", tag = "messages", security(("bearer" = [])),
    params(("webhook" = String, Path, description = "its id")),
    responses((status = 204), (status = 404, body = ProblemBody)))]
async fn delete(caller: Caller, State(api): State<Api>, Path(id): Path<WebhookId>) -> Result<StatusCode, Problem> {
    caller.perform(&api, &DeleteWebhook { id }).await?;
    Ok(StatusCode::NO_CONTENT)
}
