//! `POST /v1/api-keys:import`: keys that another system made.
use axum::{extract::State, http::StatusCode, response::Response};
use keepgate_audit::Receipt;
use keepgate_gate::operations::{ApiKeyIssued, HANDLE_TAKEN, ImportApiKey};
use keepgate_identity::{BcryptHash, IpNet, Lookup};
use keepgate_kernel::{Level, Timestamp, UnitId};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{IDS, IssuedView, NewKey};
use crate::{Api, Caller, Problem, ProblemBody, extract::Json, once::Idempotency};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(import))
}

/// A key of another system.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ForeignKey {
    /// 1 to 200 characters.
    #[schema(example = "billing")]
    name: String,
    /// Below the caller's own.
    #[schema(value_type = u8, example = 2)]
    level: Level,
    /// For levels 1 to 3; the tenant's first unit if absent.
    #[schema(value_type = Option<String>)]
    unit: Option<UnitId>,
    /// Actions such as `message.accept`; all of the level if absent, none if empty.
    scopes: Option<Vec<String>>,
    /// As for a new key.
    #[serde(default, deserialize_with = "super::given")]
    #[schema(value_type = Option<String>)]
    expires_at: Option<Option<Timestamp>>,
    /// Where it may be used from, such as `192.0.2.0/24`.
    #[schema(value_type = Option<Vec<String>>)]
    allowed_cidrs: Option<Vec<IpNet>>,
    /// How the key begins: 6 to 32 characters that are no secret and that no other imported key begins with.
    #[schema(example = "acme_ab12cd34")]
    lookup: String,
    /// The bcrypt hash of the whole key, which has 20 to 72 visible ASCII characters; cost 4 to 15.
    #[schema(example = "$2b$10$…")]
    bcrypt: String,
}

/// Takes over a key whose bcrypt hash another system kept. Its text goes on working, until the key is rotated or revoked; at its first
/// use the hash is replaced by Argon2id. The answer holds a key of Keepgate's own for the same service, to change to.
#[utoipa::path(post, path = "/v1/api-keys:import", tag = "identity", security(("bearer" = [])), request_body = ForeignKey,
    responses((status = 201, body = IssuedView), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 422, body = ProblemBody)))]
async fn import(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<ForeignKey>,
) -> Result<Response, Problem> {
    let foreign = body.value;
    let lookup = Lookup::parse(&foreign.lookup).map_err(|error| Problem::invalid("/lookup", error.to_string()))?;
    let bcrypt = BcryptHash::parse(&foreign.bcrypt).map_err(|error| Problem::invalid("/bcrypt", error.to_string()))?;
    let new = NewKey {
        name: foreign.name,
        level: Some(foreign.level),
        unit: foreign.unit,
        service: None,
        scopes: foreign.scopes,
        expires_at: foreign.expires_at,
        allowed_cidrs: foreign.allowed_cidrs,
    };
    for last in IDS {
        let command = ImportApiKey {
            issue: new
                .for_a_new_service(foreign.level, foreign.unit, &caller, &api)
                .await?,
            lookup: lookup.clone(),
            bcrypt: bcrypt.clone(),
        };
        let view = |issued: &ApiKeyIssued, _: &Receipt| IssuedView::from(issued);
        let answer = once.perform(&api, &caller, &body.raw, &command, StatusCode::CREATED, view);
        match answer.await {
            Err(problem) if problem.is(HANDLE_TAKEN) && !last => {}
            answer => return answer,
        }
    }
    Err(Problem::unavailable("busy", "no name is free for a key; try again"))
}
