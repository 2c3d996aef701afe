//! Health and metrics, for the admin listener (loopback) and, health only, for the public one.
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Api, Problem};

/// The build that answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    /// Semantic version.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
}

/// One dependency.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dependency {
    /// Its name.
    #[schema(example = "database")]
    pub name: &'static str,
    /// Whether it works now.
    pub ready: bool,
    /// Why not, or what is not well although it works, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether the service can do its work.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// True when every dependency works.
    pub ready: bool,
    /// All of them.
    pub dependencies: Vec<Dependency>,
}

/// The process is alive.
#[utoipa::path(get, path = "/livez", tag = "operations", responses((status = 200, description = "the process is alive")))]
pub(crate) async fn livez() -> StatusCode {
    StatusCode::OK
}

/// Every dependency works; 503 names which does not.
#[utoipa::path(get, path = "/readyz", tag = "operations", responses(
    (status = 200, body = Readiness), (status = 503, body = Readiness, description = "a dependency does not work")))]
pub(crate) async fn readyz(State(api): State<Api>) -> Response {
    let mut dependencies = Vec::new();
    for probe in api.probes.iter() {
        let answer = probe.check().await;
        dependencies.push(Dependency {
            name: probe.name(),
            ready: answer.is_ok(),
            reason: answer.err().or_else(|| probe.warning()),
        });
    }
    let ready = dependencies.iter().all(|dependency| dependency.ready) && !*api.stopping.borrow();
    let body = Json(Readiness { ready, dependencies });
    if ready {
        body.into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "2")], body).into_response()
    }
}

/// The build.
#[utoipa::path(get, path = "/version", tag = "operations", responses((status = 200, body = Version)))]
pub(crate) async fn version() -> Json<Version> {
    Json(Version {
        version: env!("CARGO_PKG_VERSION"),
    })
}

async fn metrics(State(api): State<Api>) -> Response {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        api.metrics.render(),
    )
        .into_response()
}

/// The routes of the admin listener.
pub fn admin_router(api: Api) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .fallback(|| async { Problem::not_found() })
        .with_state(api)
}
