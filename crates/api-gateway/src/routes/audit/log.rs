//! The caller's tenant's log as a C2SP tiled log (`c2sp.org/tlog-tiles`), byte for byte.
use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use keepgate_audit::operations::{LogContent, LogPart, ReadLog};
use keepgate_merkle::tile::TilePath;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Path, Query},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(checkpoint))
        .routes(routes!(vkey))
        .routes(routes!(tile))
}

const TEXT: &str = "text/plain; charset=utf-8";

/// Which checkpoint.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CheckpointQuery {
    /// The latest one whose cosignatures met the quorum of the witness policy, instead of the latest of all.
    witnessed: Option<bool>,
}

/// The latest checkpoint: a signed note, with the cosignatures that witnesses have made so far.
#[utoipa::path(get, path = "/v1/audit/log/checkpoint", tag = "audit", security(("bearer" = [])), params(CheckpointQuery),
    responses((status = 200, content_type = "text/plain", body = String), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn checkpoint(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<CheckpointQuery>,
) -> Result<Response, Problem> {
    let part = if query.witnessed == Some(true) {
        LogPart::Witnessed
    } else {
        LogPart::Checkpoint
    };
    match caller.perform(&api, &ReadLog { part }).await? {
        LogContent::Checkpoint(signed) => Ok(([(header::CONTENT_TYPE, TEXT)], signed.note).into_response()),
        LogContent::Tile(_) | LogContent::Info(_) => Err(Problem::not_found()),
    }
}

/// The log's verifier keys, one a line, the newest first: two while one key follows another, and after them those of the second
/// signature if there is one. Compare them with what reached you another way.
#[utoipa::path(get, path = "/v1/audit/log/vkey", tag = "audit", security(("bearer" = [])),
    responses((status = 200, content_type = "text/plain", body = String), (status = 404, body = ProblemBody)))]
async fn vkey(caller: Caller, State(api): State<Api>) -> Result<Response, Problem> {
    caller.perform(&api, &ReadLog { part: LogPart::Info }).await?;
    let key = api
        .verifier_keys
        .verifier_key(caller.context().tenant())
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(([(header::CONTENT_TYPE, TEXT)], format!("{key}\n")).into_response())
}

/// A hash tile (`0/x001/234`) or entry bundle (`entries/x001/234`), full or partial (`.p/17`). Its bytes never change. The tiles that a
/// caller reads within a minute leave one entry.
#[utoipa::path(get, path = "/v1/audit/log/tile/{*path}", tag = "audit", security(("bearer" = [])),
    params(("path" = String, Path, description = "level and number as in tlog-tiles")),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 404, body = ProblemBody),
        (status = 410, description = "`pruned`: entries in an archive only", body = ProblemBody)))]
async fn tile(caller: Caller, State(api): State<Api>, Path(path): Path<String>) -> Result<Response, Problem> {
    let path: TilePath = format!("tile/{path}").parse().map_err(|_| Problem::not_found())?;
    let content = match caller
        .perform_seldom(
            &api,
            &ReadLog {
                part: LogPart::Tile(path),
            },
        )
        .await?
    {
        LogContent::Tile(content) => content,
        LogContent::Checkpoint(_) | LogContent::Info(_) => return Err(Problem::not_found()),
    };
    let mut response = ([(header::CONTENT_TYPE, "application/octet-stream")], content).into_response();
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=31536000, immutable"),
    );
    Ok(response)
}
