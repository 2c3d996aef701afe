//! One log line and two metrics for each request; no header, no body, no query.
use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};

use super::RequestIdentity;
use crate::Problem;

/// Labels are the route, never the path: a path may hold ids, and its values are unbounded.
pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let id = request
        .extensions()
        .get::<RequestIdentity>()
        .map(|identity| identity.id.to_string());
    let response = next.run(request).await;
    let elapsed = started.elapsed();
    let status = response.status().as_u16();
    let problem = response.extensions().get::<Problem>().map(Problem::slug);
    metrics::counter!("keepgate_http_requests", "method" => method.as_str().to_owned(), "route" => route.clone(), "status" => status.to_string())
        .increment(1);
    metrics::histogram!("keepgate_http_request_duration_seconds", "route" => route.clone())
        .record(elapsed.as_secs_f64());
    tracing::info!(request_id = id, method = %method, route, status, problem, micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX), "request");
    response
}
