//! The log of logs, whose leaves are the checkpoints of the tenants' logs. Hashes for whoever may read a log, what a leaf says for its
//! own tenant only.
use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64;
use keepgate_audit::{
    operations::{MetaContent, MetaPart, ReadMetaLog},
    timestamp::StampedCheckpoint,
};
use keepgate_kernel::format_time;
use keepgate_merkle::tile::TilePath;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Path, Query},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(checkpoint))
        .routes(routes!(vkey))
        .routes(routes!(proof))
        .routes(routes!(timestamp))
        .routes(routes!(tile))
}

const TEXT: &str = "text/plain; charset=utf-8";

fn text(content: String) -> Response {
    ([(header::CONTENT_TYPE, TEXT)], content).into_response()
}

async fn read(caller: &Caller, api: &Api, part: MetaPart) -> Result<MetaContent, Problem> {
    caller.perform(api, &ReadMetaLog { part }).await
}

/// Which checkpoint.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CheckpointQuery {
    /// The latest one whose cosignatures met the quorum of the witness policy, instead of the latest of all.
    witnessed: Option<bool>,
}

/// The latest checkpoint of the log of logs: a signed note, with the cosignatures that witnesses have made so far.
#[utoipa::path(get, path = "/v1/audit/meta/checkpoint", tag = "audit", security(("bearer" = [])), params(CheckpointQuery),
    responses((status = 200, content_type = "text/plain", body = String), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn checkpoint(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<CheckpointQuery>,
) -> Result<Response, Problem> {
    let part = if query.witnessed == Some(true) {
        MetaPart::Witnessed
    } else {
        MetaPart::Checkpoint
    };
    match read(&caller, &api, part).await? {
        MetaContent::Checkpoint(signed) => Ok(text(signed.note)),
        _ => Err(Problem::not_found()),
    }
}

/// A checkpoint of the log of logs by its size.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SizeQuery {
    /// How many leaves the log of logs has.
    size: Option<u64>,
}

/// A time stamp (RFC 3161) over the text of a checkpoint of the log of logs: its first three lines.
#[derive(Debug, Serialize, ToSchema)]
struct TimestampView {
    /// How many leaves the checkpoint covers.
    size: u64,
    /// The checkpoint, a signed note.
    checkpoint: String,
    /// The token, DER in base64.
    token: String,
    /// When, by the authority's clock.
    #[schema(example = "2026-01-02T03:04:05.000000Z")]
    stamped_at: String,
    /// The policy of the authority it was issued under.
    #[schema(example = "1.2.3.4.1")]
    policy: String,
}

/// The latest time stamp over the log of logs, or with `size` the earliest that covers so many of its leaves. `GET /v1/audit/meta/proof`
/// with the size told here proves that the caller's log is in what was stamped. Check the token with `openssl ts -verify -token_in`
/// and the authority's own root.
#[utoipa::path(get, path = "/v1/audit/meta/timestamp", tag = "audit", security(("bearer" = [])), params(SizeQuery),
    responses((status = 200, body = TimestampView), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn timestamp(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<SizeQuery>,
) -> Result<Json<TimestampView>, Problem> {
    match read(&caller, &api, MetaPart::Timestamp(query.size)).await? {
        MetaContent::Timestamp(StampedCheckpoint { checkpoint, stamp }) => Ok(Json(TimestampView {
            size: checkpoint.size,
            checkpoint: checkpoint.note,
            token: BASE64.encode(&stamp.token),
            stamped_at: format_time(stamp.at),
            policy: stamp.policy,
        })),
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

/// That the newest checkpoint of the caller's tenant's log is in the log of logs, as it was at `size` or as it is: a proof file
/// (`c2sp.org/tlog-proof@v1`). Its extra data is that checkpoint, and the leaf is the text the checkpoint signs.
#[utoipa::path(get, path = "/v1/audit/meta/proof", tag = "audit", security(("bearer" = [])), params(SizeQuery),
    responses((status = 200, content_type = "text/plain", body = String), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn proof(caller: Caller, State(api): State<Api>, Query(query): Query<SizeQuery>) -> Result<Response, Problem> {
    match read(&caller, &api, MetaPart::Proof(query.size)).await? {
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
