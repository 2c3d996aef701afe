//! The caller's tenant's log as a C2SP tiled log (`c2sp.org/tlog-tiles`), byte for byte.
use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use keepgate_audit::operations::{LogContent, LogPart, ReadLog};
use keepgate_merkle::tile::TilePath;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Caller, Problem, ProblemBody, extract::Path};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(checkpoint))
        .routes(routes!(vkey))
        .routes(routes!(tile))
}

const TEXT: &str = "text/plain; charset=utf-8";

/// The latest checkpoint, a signed note.
#[utoipa::path(get, path = "/v1/audit/log/checkpoint", tag = "audit", security(("bearer" = [])),
    responses((status = 200, content_type = "text/plain", body = String), (status = 404, body = ProblemBody)))]
async fn checkpoint(caller: Caller, State(api): State<Api>) -> Result<Response, Problem> {
    match caller
        .perform(
            &api,
            &ReadLog {
                part: LogPart::Checkpoint,
            },
        )
        .await?
    {
        LogContent::Checkpoint(signed) => Ok(([(header::CONTENT_TYPE, TEXT)], signed.note).into_response()),
        LogContent::Tile(_) | LogContent::Info(_) => Err(Problem::not_found()),
    }
}

/// The log's verifier key. Compare it with one that reached you another way.
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

/// A hash tile (`0/x001/234`) or entry bundle (`entries/x001/234`), full or partial (`.p/17`). Its bytes never change.
#[utoipa::path(get, path = "/v1/audit/log/tile/{*path}", tag = "audit", security(("bearer" = [])),
    params(("path" = String, Path, description = "level and number as in tlog-tiles")),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 404, body = ProblemBody)))]
async fn tile(caller: Caller, State(api): State<Api>, Path(path): Path<String>) -> Result<Response, Problem> {
    let path: TilePath = format!("tile/{path}").parse().map_err(|_| Problem::not_found())?;
    let content = match caller
        .perform(
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
