//! `GET /v1/audit/proof`: inclusion (`index`) and consistency (`first`, `second`).
use axum::{
    Json as Answer,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use keepgate_audit::operations::{GetProof, Proof};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Caller, Problem, ProblemBody, extract::Query};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get))
}

/// Either `index`, or `first` and `second`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ProofQuery {
    /// The entry to prove.
    index: Option<u64>,
    /// The older size, at least 1.
    first: Option<u64>,
    /// The newer size.
    second: Option<u64>,
}

/// That the log of `second` entries grew out of the log of `first` (RFC 6962, section 2.1.2).
#[derive(Debug, Serialize, ToSchema)]
struct ConsistencyView {
    /// The older size.
    first: u64,
    /// The newer size.
    second: u64,
    /// Hashes, base64.
    hashes: Vec<String>,
}

/// A proof that anybody can check with the log's public key: for an entry a text file (`c2sp.org/tlog-proof@v1`), for two sizes the
/// consistency hashes as JSON.
#[utoipa::path(get, path = "/v1/audit/proof", tag = "audit", security(("bearer" = [])), params(ProofQuery),
    responses((status = 200, content((String = "text/plain"), (ConsistencyView = "application/json"))),
        (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn get(caller: Caller, State(api): State<Api>, Query(query): Query<ProofQuery>) -> Result<Response, Problem> {
    let command = match query {
        ProofQuery {
            index: Some(index),
            first: None,
            second: None,
        } => GetProof::Inclusion { index },
        ProofQuery {
            index: None,
            first: Some(first),
            second: Some(second),
        } => GetProof::Consistency { first, second },
        _ => {
            return Err(Problem::invalid(
                "?index",
                "give either `index`, or `first` and `second`",
            ));
        }
    };
    Ok(match (caller.perform(&api, &command).await?, command) {
        (Proof::Consistency(hashes), GetProof::Consistency { first, second }) => Answer(ConsistencyView {
            first,
            second,
            hashes: hashes.iter().map(ToString::to_string).collect(),
        })
        .into_response(),
        (Proof::Inclusion(proof), _) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], proof.to_string()).into_response()
        }
        (Proof::Consistency(_), GetProof::Inclusion { .. }) => return Err(Problem::not_found()),
    })
}
