//! API keys. The key itself is shown once, when it is made.
use std::time::Duration;

use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_gate::operations::{ApiKeyIssued, IssueApiKey};
use keepgate_identity::{
    ApiKeyRecord, HashError, IpNet, ListApiKeys, RevokeApiKey, RotateApiKey, Rotated, parse_scopes,
};
use keepgate_kernel::{Action, KeyId, Level, PrincipalId, PrincipalKind, Timestamp, UnitId, format_time};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, MaybeJson, Path, Query},
    once::Idempotency,
    page::{self, Page},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(issue, list))
        .routes(routes!(rotate))
        .routes(routes!(revoke))
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
struct KeyView {
    /// Its id.
    #[schema(example = "key_01jd0000000000000000000000")]
    id: String,
    /// What people call it.
    name: String,
    /// The service that acts with it.
    service: String,
    /// Who issued it; its level stays below theirs.
    owner: String,
    /// The service's level; `null` when it has been taken away.
    level: Option<u8>,
    /// The actions it is narrowed to; `null`: all of its level.
    scopes: Option<Vec<&'static str>>,
    /// Where it may be used from; `null`: anywhere.
    allowed_cidrs: Option<Vec<String>>,
    /// When it was issued.
    created_at: String,
    /// When it ends.
    expires_at: Option<String>,
    /// When it was revoked.
    revoked_at: Option<String>,
    /// When it was last used, to about a minute.
    last_used_at: Option<String>,
    /// Until when the secret before the last rotation works.
    #[serde(skip_serializing_if = "Option::is_none")]
    retiring_until: Option<String>,
}

impl From<&ApiKeyRecord> for KeyView {
    fn from(key: &ApiKeyRecord) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            service: key.service.to_string(),
            owner: key.owner.to_string(),
            level: key.level.map(Level::number),
            scopes: key
                .scopes
                .as_ref()
                .map(|scopes| scopes.iter().map(|action| action.as_str()).collect()),
            allowed_cidrs: key
                .allowed_cidrs
                .as_ref()
                .map(|nets| nets.iter().map(ToString::to_string).collect()),
            created_at: format_time(key.created_at),
            expires_at: key.expires_at.map(format_time),
            revoked_at: key.revoked_at.map(format_time),
            last_used_at: key.last_used_at.map(format_time),
            retiring_until: key.retiring_until.map(format_time),
        }
    }
}

/// A new key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewKey {
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
    /// When it ends (RFC 3339).
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
    /// Where it may be used from, such as `192.0.2.0/24`.
    #[schema(value_type = Option<Vec<String>>)]
    allowed_cidrs: Option<Vec<IpNet>>,
}

/// A key, shown this once.
#[derive(Debug, Serialize, ToSchema)]
struct IssuedView {
    /// Its id.
    #[schema(example = "key_01jd0000000000000000000000")]
    id: String,
    /// Send it as `Authorization: Bearer …`.
    #[schema(example = "kg_live_…")]
    key: String,
    /// Until when the old secret works, after a rotation with an overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_until: Option<String>,
}

impl From<&ApiKeyIssued> for IssuedView {
    fn from(issued: &ApiKeyIssued) -> Self {
        Self {
            id: issued.id.to_string(),
            key: issued.key.expose().to_owned(),
            old_until: None,
        }
    }
}

impl From<&Rotated> for IssuedView {
    fn from(rotated: &Rotated) -> Self {
        Self {
            id: rotated.key.id().to_string(),
            key: rotated.key.expose().to_owned(),
            old_until: rotated.old_until.map(format_time),
        }
    }
}

/// How to rotate.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// How long the old secret works beside the new one, at most 30 days; 0 if absent.
    overlap_seconds: Option<u64>,
}

fn hashing(error: HashError) -> Problem {
    match error {
        HashError::Busy => Problem::unavailable("busy", "too many secrets are being hashed; try again"),
        HashError::Failed => Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal-error",
            "something went wrong here",
        ),
    }
}

fn scopes(given: Option<Vec<String>>) -> Result<Option<Vec<Action>>, Problem> {
    given
        .map(|words| parse_scopes(&words).map_err(|error| Problem::invalid("/scopes", error.to_string())))
        .transpose()
}

/// Issues a key for a new service. A key can never issue keys, nor manage people.
#[utoipa::path(post, path = "/v1/api-keys", tag = "identity", security(("bearer" = [])), request_body = NewKey,
    responses((status = 201, body = IssuedView), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn issue(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewKey>,
) -> Result<Response, Problem> {
    let NewKey {
        name,
        level,
        unit,
        scopes: given,
        expires_at,
        allowed_cidrs,
    } = body.value;
    let scopes = scopes(given)?;
    let key = api
        .api_keys
        .mint(KeyId::new(caller.now()))
        .map_err(super::no_randomness)?;
    let phc = api.hasher.hash(key.secret()).await.map_err(hashing)?;
    let service = PrincipalId::new(PrincipalKind::Service, caller.now());
    let command = IssueApiKey {
        service,
        name,
        level,
        unit,
        scopes,
        expires_at,
        allowed_cidrs,
        key,
        phc,
    };
    once.perform(&api, &caller, &body.raw, &command, StatusCode::CREATED, |issued, _| {
        IssuedView::from(issued)
    })
    .await
}

/// Where in the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// 1 to 500, 50 if absent.
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Keys of the tenant in the order they were issued, revoked ones too.
#[utoipa::path(get, path = "/v1/api-keys", tag = "identity", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<KeyView>), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<KeyView>>, Problem> {
    let limit = page::limit(query.limit)?;
    let after = page::position(query.cursor.as_deref())?;
    let keys = caller
        .perform(
            &api,
            &ListApiKeys {
                after,
                limit: u32::from(limit),
            },
        )
        .await?;
    Ok(Answer(Page::of(&keys, limit, |key| key.id.to_string())))
}

/// Gives a key a new secret. Against a stolen secret, revoke the key instead.
#[utoipa::path(post, path = "/v1/api-keys/{key}/rotate", tag = "identity", security(("bearer" = [])), request_body = Option<Rotation>,
    params(("key" = String, Path, description = "its id")),
    responses((status = 200, body = IssuedView), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn rotate(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<KeyId>,
    body: MaybeJson<Rotation>,
) -> Result<Answer<IssuedView>, Problem> {
    let key = api.api_keys.mint(id).map_err(super::no_randomness)?;
    let phc = api.hasher.hash(key.secret()).await.map_err(hashing)?;
    let overlap = Duration::from_secs(body.0.overlap_seconds.unwrap_or(0));
    let rotated = caller.perform(&api, &RotateApiKey { key, phc, overlap }).await?;
    api.authenticator.forget(id);
    Ok(Answer(IssuedView::from(&rotated)))
}

/// Ends a key for good; the next request with it is refused, on every instance.
#[utoipa::path(delete, path = "/v1/api-keys/{key}", tag = "identity", security(("bearer" = [])),
    params(("key" = String, Path, description = "its id")),
    responses((status = 204), (status = 404, body = ProblemBody)))]
async fn revoke(caller: Caller, State(api): State<Api>, Path(id): Path<KeyId>) -> Result<StatusCode, Problem> {
    caller.perform(&api, &RevokeApiKey { id }).await?;
    api.authenticator.forget(id);
    Ok(StatusCode::NO_CONTENT)
}
