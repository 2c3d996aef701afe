//! Every route, and the layers around them.
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, Uri, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

use crate::{Api, Problem, admin, directory::ScimProblem, middleware, openapi};

mod audit;
mod identity;
mod messages;

pub use messages::TwilioHooks;

/// Everything the document describes.
pub(crate) fn collect() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::Document::openapi())
        .routes(routes!(admin::livez))
        .routes(routes!(admin::readyz))
        .routes(routes!(admin::version))
        .merge(identity::router())
        .merge(messages::router())
        .merge(audit::router())
}

/// All of it, for the document.
pub(crate) fn everything() -> OpenApiRouter<Api> {
    collect().merge(streams())
}

/// Operations that answer as long as they last: no time limit.
fn streams() -> OpenApiRouter<Api> {
    OpenApiRouter::new().merge(messages::streams())
}

/// The whole public API.
pub fn router(api: Api) -> Router {
    let (routes, _) = collect().split_for_parts();
    let timeout = TimeoutLayer::with_status_code(axum::http::StatusCode::REQUEST_TIMEOUT, api.request_timeout);
    let (streams, _) = streams().split_for_parts();
    let document = openapi::document();
    let docs = Router::from(SwaggerUi::new("/docs").url("/openapi.json", document)).layer(from_fn(docs_policy));
    routes
        .layer(timeout)
        .merge(streams)
        .layer(DefaultBodyLimit::max(api.body_limit))
        .layer(from_fn_with_state(api.clone(), middleware::audit_refusals))
        .merge(docs)
        .fallback(unknown)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn_with_state(api.clone(), middleware::rate_limit))
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .layer(from_fn(middleware::observe))
        .layer(from_fn_with_state(api.clone(), middleware::envelope))
        .with_state(api)
}

/// A directory understands SCIM's errors and no others. Searching users and groups at once is not offered (RFC 7644 section 3.4.3).
async fn unknown(uri: Uri) -> Response {
    match uri.path() {
        "/scim/v2/.search" => {
            let status = axum::http::StatusCode::NOT_IMPLEMENTED;
            ScimProblem::new(status, None, "search /Users or /Groups with GET").into_response()
        }
        path if path.starts_with("/scim/") => ScimProblem::not_found().into_response(),
        _ => Problem::not_found().into_response(),
    }
}

async fn method_not_allowed(uri: Uri) -> Response {
    if uri.path().starts_with("/scim/") {
        let status = axum::http::StatusCode::METHOD_NOT_ALLOWED;
        return ScimProblem::new(status, None, "this method is not allowed here").into_response();
    }
    Problem::new(
        axum::http::StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "this method is not allowed here",
    )
    .into_response()
}

/// The documentation pages load their own scripts and styles, and nothing from elsewhere.
async fn docs_policy(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'";
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}
