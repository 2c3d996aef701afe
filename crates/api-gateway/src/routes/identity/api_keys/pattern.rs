//! `GET /.well-known/keepgate-api-keys.json`: for scanners that look for leaked keys.
use axum::{
    Json as Answer,
    http::header,
    response::{IntoResponse, Response},
};
use keepgate_identity::KeyPattern;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Api;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(pattern))
}

/// How the keys of Keepgate look, how to tell one from a lookalike without asking anybody, and where to report one.
#[utoipa::path(get, path = "/.well-known/keepgate-api-keys.json", tag = "identity",
    responses((status = 200, content_type = "application/json")))]
async fn pattern() -> Response {
    (
        [(header::CACHE_CONTROL, "public, max-age=86400")],
        Answer(KeyPattern::published()),
    )
        .into_response()
}
