//! Request id, security headers, and the request id inside problem bodies.
use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use keepgate_kernel::{RequestId, Timestamp};

use crate::{Api, Problem};

/// Which request this is, when it arrived, and from where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestIdentity {
    pub(crate) id: RequestId,
    pub(crate) at: Timestamp,
    pub(crate) source: Option<IpAddr>,
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id is ours: a caller's `X-Request-Id` is not taken over, so that the audit log can't be confused by repeats.
pub(crate) async fn envelope(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let at = api.gate.clock().now();
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(peer)| peer.ip().to_canonical());
    let source = super::source::source(peer, request.headers(), api.trusted_proxies);
    let identity = RequestIdentity {
        id: RequestId::new(at),
        at,
        source,
    };
    request.extensions_mut().insert(identity);
    let mut response = next.run(request).await;
    let id = identity.id.to_string();
    if let Some(problem) = response.extensions().get::<Problem>() {
        let mut named = problem.response(Some(id.clone()));
        named.extensions_mut().insert(problem.clone());
        response = named;
    } else if response.status().is_client_error() && !response.headers().contains_key(header::CONTENT_TYPE) {
        // axum's own 404, 405, 408 and 413 have no body
        response = plain(&response).response(Some(id.clone()));
    }
    stamp(&mut response, &id);
    response
}

fn plain(response: &Response) -> Problem {
    let allow = response.headers().get(header::ALLOW).cloned();
    match response.status().as_u16() {
        404 => Problem::not_found(),
        405 => Problem::new(
            response.status(),
            "method-not-allowed",
            match allow.as_ref().and_then(|v| v.to_str().ok()) {
                Some(allow) => format!("allowed here: {allow}"),
                None => "this method is not allowed here".to_owned(),
            },
        ),
        408 => Problem::new(response.status(), "request-timeout", "the request took too long"),
        413 => Problem::new(response.status(), "body-too-large", "the body is over the limit"),
        _ => Problem::new(response.status(), "bad-request", "the request can't be served"),
    }
}

fn stamp(response: &mut Response, id: &str) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(
        header::STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=63072000; includeSubDomains"),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
}

/// Turns a panic of a handler into a problem without a word about it.
pub(crate) fn panicked(_panic: Box<dyn std::any::Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    Problem::new(
        axum::http::StatusCode::INTERNAL_SERVER_ERROR,
        "internal-error",
        "something went wrong here",
    )
    .into_response()
}
