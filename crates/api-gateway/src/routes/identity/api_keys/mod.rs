//! API keys. The key itself is shown once, when it is made.
mod import;
mod leak;
mod pattern;
mod view;

use std::time::Duration;

use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_audit::Receipt;
use keepgate_gate::operations::{ApiKeyIssued, Expiry, HANDLE_TAKEN, IssueApiKey, IssueServiceKey};
use keepgate_identity::{ApiKey, HashError, IpNet, ListApiKeys, Phc, RevokeApiKey, RotateApiKey, parse_scopes};
use keepgate_kernel::{Action, KeyId, Level, PrincipalId, PrincipalKind, Timestamp, UnitId};
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, MaybeJson, Path, Query},
    once::Idempotency,
    page::{self, Page},
};

use view::{IssuedView, KeyView};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(import::router())
        .merge(leak::router())
        .merge(pattern::router())
        .routes(routes!(issue, list))
        .routes(routes!(rotate))
        .routes(routes!(revoke))
}

/// A new key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewKey {
    /// 1 to 200 characters.
    #[schema(example = "billing")]
    name: String,
    /// Of the service that is made for the key, below the caller's own. Not with `service`.
    #[schema(value_type = Option<u8>, example = 2)]
    level: Option<Level>,
    /// For levels 1 to 3; the tenant's first unit if absent. Not with `service`.
    #[schema(value_type = Option<String>)]
    unit: Option<UnitId>,
    /// A service that is there, of a level below the caller's own, which the key acts as.
    #[schema(value_type = Option<String>)]
    service: Option<PrincipalId>,
    /// Actions such as `message.accept`; all of the level if absent, none if empty.
    scopes: Option<Vec<String>>,
    /// When it ends (RFC 3339), within 366 days; in 90 days if absent. An owner may set a later one, or `null`: no end.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    expires_at: Option<Option<Timestamp>>,
    /// Where it may be used from, such as `192.0.2.0/24`.
    #[schema(value_type = Option<Vec<String>>)]
    allowed_cidrs: Option<Vec<IpNet>>,
}

/// Tells `null` from nothing.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Timestamp>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// What acts through a new key.
enum Bearer {
    New(Level, Option<UnitId>),
    Existing(PrincipalId),
}

impl NewKey {
    fn bearer(&self) -> Result<Bearer, Problem> {
        match (self.level, self.unit, self.service) {
            (Some(level), unit, None) => Ok(Bearer::New(level, unit)),
            (None, None, Some(service)) => Ok(Bearer::Existing(service)),
            (None, _, None) => Err(Problem::invalid("/level", "a level, or the service the key is for")),
            (_, _, Some(_)) => Err(Problem::invalid("/service", "a service has its level and unit already")),
        }
    }

    fn expiry(&self) -> Expiry {
        match self.expires_at {
            None => Expiry::Standard,
            Some(Some(end)) => Expiry::At(end),
            Some(None) => Expiry::Never,
        }
    }

    /// The command, with a secret made and hashed for it.
    async fn for_a_new_service(
        &self,
        level: Level,
        unit: Option<UnitId>,
        caller: &Caller,
        api: &Api,
    ) -> Result<IssueApiKey, Problem> {
        let scopes = scopes(self.scopes.as_deref())?;
        let (key, phc) = secret(caller, api).await?;
        Ok(IssueApiKey {
            service: PrincipalId::new(PrincipalKind::Service, caller.now()),
            name: self.name.clone(),
            level,
            unit,
            scopes,
            expiry: self.expiry(),
            allowed_cidrs: self.allowed_cidrs.clone(),
            key,
            phc,
        })
    }

    /// The same for a service that is there.
    async fn for_service(&self, service: PrincipalId, caller: &Caller, api: &Api) -> Result<IssueServiceKey, Problem> {
        let scopes = scopes(self.scopes.as_deref())?;
        let (key, phc) = secret(caller, api).await?;
        Ok(IssueServiceKey {
            service,
            name: self.name.clone(),
            scopes,
            expiry: self.expiry(),
            allowed_cidrs: self.allowed_cidrs.clone(),
            key,
            phc,
        })
    }
}

/// A new key, and the verifier of its secret.
async fn secret(caller: &Caller, api: &Api) -> Result<(ApiKey, Phc), Problem> {
    let key = api
        .api_keys
        .mint(KeyId::new(caller.now()))
        .map_err(super::no_randomness)?;
    let phc = api.hasher.hash(key.secret()).await.map_err(hashing)?;
    Ok((key, phc))
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

fn scopes(given: Option<&[String]>) -> Result<Option<Vec<Action>>, Problem> {
    given
        .map(|words| parse_scopes(words).map_err(|error| Problem::invalid("/scopes", error.to_string())))
        .transpose()
}

/// Of each id that a new key is tried with, whether it is the last: another key may have its handle. Three in a row are no accident.
const IDS: [bool; 3] = [false, false, true];

/// Issues a key: for a new service of `level`, or for an existing `service`. A key can never issue keys, nor manage people.
#[utoipa::path(post, path = "/v1/api-keys", tag = "identity", security(("bearer" = [])), request_body = NewKey,
    responses((status = 201, body = IssuedView), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody, description = "`service-disabled`"),
        (status = 422, body = ProblemBody)))]
async fn issue(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewKey>,
) -> Result<Response, Problem> {
    let (asked, created) = (&body.value, StatusCode::CREATED);
    let view = |issued: &ApiKeyIssued, _: &Receipt| IssuedView::from(issued);
    for last in IDS {
        let answer = match asked.bearer()? {
            Bearer::New(level, unit) => {
                let command = asked.for_a_new_service(level, unit, &caller, &api).await?;
                once.perform(&api, &caller, &body.raw, &command, created, view).await
            }
            Bearer::Existing(service) => {
                let command = asked.for_service(service, &caller, &api).await?;
                once.perform(&api, &caller, &body.raw, &command, created, view).await
            }
        };
        match answer {
            Err(problem) if problem.is(HANDLE_TAKEN) && !last => {}
            answer => return answer,
        }
    }
    Err(Problem::unavailable("busy", "no name is free for a key; try again"))
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
    // So that what this instance knows of uses is in the answer. What can't be written down now is so a minute later.
    let _later = api
        .authenticator
        .write_uses(caller.context().request(), caller.now())
        .await;
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
