//! Recipients, routes, messages, streams, webhooks, providers' callbacks.
mod accept;
mod batch;
mod contact;
mod ended;
mod hooks;
mod read;
mod recipients;
mod replay;
mod routes;
mod stream;
mod view;
mod webhooks;

pub use hooks::TwilioHooks;
use utoipa_axum::router::OpenApiRouter;

use crate::Api;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(recipients::router())
        .merge(routes::router())
        .merge(messages())
        .merge(webhooks::router())
        .merge(hooks::router())
}

/// `POST` and `GET` of one path live in two files: merged routers would overwrite each other's half of the document.
fn messages() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(accept::router())
        .merge(batch::router())
        .merge(read::router())
        .merge(ended::router())
        .merge(replay::router())
}

/// What has no time limit.
pub(super) fn streams() -> OpenApiRouter<Api> {
    stream::router()
}
