//! The log of logs, whose leaves are the checkpoints of the tenants' logs. Hashes for whoever may read a log, what a leaf says for its
//! own tenant only.
use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use keepgate_audit::operations::{MetaContent, MetaPart, ReadMetaLog};
use keepgate_merkle::tile::TilePath;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Caller, Problem, ProblemBody, extract::Path};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(checkpoint))
        .routes(routes!(vkey))
        .routes(routes!(proof))
        .routes(routes!(tile))
}

const TEXT: &str = "text/plain; charset=utf-8";

fn text(content: String) -> Response {
    ([(header::CONTENT_TYPE, TEXT)], content).into_response()
}

async fn read(caller: &Caller, api: &Api, part: MetaPart) -> Result<MetaContent, Problem> {
    caller.perform(api, &ReadMetaLog { part }).await
}

/// The latest checkpoint of the log of logs, a signed note.
#[utoipa::path(get, path = "/v1/audit/meta/checkpoint", tag = "audit", security(("bearer" = [])),
    responses((status = 200, content_type = "text/plain", body = String), (status = 404, body = ProblemBody)))]
async fn checkpoint(caller: Caller, State(api): State<Api>) -> Result<Response, Problem> {
    match read(&caller, &api, MetaPart::Checkpoint).await? {
        MetaContent::Checkpoint(signed) => Ok(text(signed.note)),
        _ => Err(Problem::not_found()),
    }
}

/// The verifier keys of the log of logs, one a line, the newest first.
#[utoipa::path(get, path = "/v1/audit/meta/vkey", tag = "audit", security(("bearer" = [])),
    responses((status = 200, content_type = "text/plain", body = String), (status = 404, body = ProblemBody)))]
async fn vkey(caller: Caller, State(api): State<Api>) -> Result<Response, Problem> {
    read(&caller, &api, MetaPart::Info).await?;
    let keys = api.verifier_keys.meta_keys().await?.ok_or_else(Problem::not_found)?;
    Ok(text(format!("{keys}\n")))
}

/// That the newest checkpoint of the caller's tenant's log is in the log of logs: a proof file (`c2sp.org/tlog-proof@v1`). Its extra data
/// is that checkpoint, and the leaf is the text the checkpoint signs.
#[utoipa::path(get, path = "/v1/audit/meta/proof", tag = "audit", security(("bearer" = [])),
    responses((status = 200, content_type = "text/plain", body = String), (status = 404, body = ProblemBody)))]
async fn proof(caller: Caller, State(api): State<Api>) -> Result<Response, Problem> {
    match read(&caller, &api, MetaPart::Proof).await? {
        MetaContent::Proof(proof) => Ok(text(proof.to_string())),
        _ => Err(Problem::not_found()),
    }
}

/// A hash tile of the log of logs (`0/x001/234`), full or partial (`.p/17`). Its bytes never change. There are no entry bundles.
#[utoipa::path(get, path = "/v1/audit/meta/tile/{*path}", tag = "audit", security(("bearer" = [])),
    params(("path" = String, Path, description = "level and number as in tlog-tiles")),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>), (status = 404, body = ProblemBody)))]
async fn tile(caller: Caller, State(api): State<Api>, Path(path): Path<String>) -> Result<Response, Problem> {
    let path: TilePath = format!("tile/{path}").parse().map_err(|_| Problem::not_found())?;
    let MetaContent::Tile(content) = read(&caller, &api, MetaPart::Tile(path)).await? else {
        return Err(Problem::not_found());
    };
    let mut response = ([(header::CONTENT_TYPE, "application/octet-stream")], content).into_response();
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, max-age=31536000, immutable"),
    );
    Ok(response)
}
