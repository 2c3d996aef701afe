//! Identity providers of the caller's tenant, and logging in through them.
use std::collections::BTreeMap;

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use keepgate_gate::{
    CallbackQuery, Failure, Finished, SsoDesk,
    operations::{ConfigureProvider, DeleteProvider, GetProvider, ListProviders, SsoLoginError, StartSsoError},
};
use keepgate_kernel::{Level, TenantId, UnitId, format_time};
use keepgate_policy::MappedLevel;
use keepgate_sso::{InvalidProvider, Issuer, Mapped, Mapping, Provider, ProviderName, SecretChange, Ticket};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::token::TokenView;
use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, Path, Query},
    visitor::Visitor,
};

/// The cookie that ties a log-in to a browser. `__Host-`: this host alone, over TLS (RFC 6265bis section 4.1.3).
const COOKIE: &str = "__Host-kg-sso";

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, put, delete))
        .routes(routes!(start))
        .routes(routes!(callback))
}

/// What a group is worth.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GroupLevel {
    /// 1 to 4: no group makes an owner, and none reaches the platform's levels.
    #[schema(value_type = u8, example = 2)]
    level: Level,
    /// For levels 1 to 3; the tenant's first unit if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    unit: Option<UnitId>,
}

/// An identity provider (OpenID Connect).
#[derive(Debug, Serialize, ToSchema)]
struct ProviderView {
    /// Its name here.
    #[schema(example = "okta")]
    name: String,
    /// The issuer, as its tokens name it.
    #[schema(example = "https://id.example.org")]
    issuer: String,
    /// Who we are there.
    client_id: String,
    /// The claim that lists groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups_claim: Option<String>,
    /// What each group is worth.
    group_levels: BTreeMap<String, GroupLevel>,
    /// What somebody in none of the groups gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    default_level: Option<u8>,
    /// Whether somebody unknown is made a user at the first log-in.
    jit: bool,
    /// Whether it is believed about second factors.
    trust_mfa: bool,
    /// The owner in whose name its groups give levels; when that person is an owner no longer, it gives none.
    configured_by: String,
    /// When it was configured last.
    updated_at: String,
}

impl From<&Provider> for ProviderView {
    fn from(provider: &Provider) -> Self {
        let group = |(name, mapped): (&String, &Mapped)| {
            let level = mapped.level.level();
            let unit = mapped.unit;
            (name.clone(), GroupLevel { level, unit })
        };
        Self {
            name: provider.name.to_string(),
            issuer: provider.issuer.to_string(),
            client_id: provider.client_id.clone(),
            groups_claim: provider.groups_claim.clone(),
            group_levels: provider.mapping.groups().iter().map(group).collect(),
            default_level: provider.mapping.default_level().map(|level| level.level().number()),
            jit: provider.jit,
            trust_mfa: provider.trust_mfa,
            configured_by: provider.configured_by.to_string(),
            updated_at: format_time(provider.updated_at),
        }
    }
}

/// Every provider.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderList {
    /// By name.
    items: Vec<ProviderView>,
    /// Always `null`: a tenant has few.
    #[schema(value_type = Option<String>)]
    next_cursor: Option<()>,
}

/// A provider to be configured.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProviderBody {
    /// https, exactly as the provider's tokens name it.
    #[schema(example = "https://id.example.org")]
    issuer: String,
    /// Who we are there.
    client_id: String,
    /// Kept encrypted and never shown. Absent: the one on record stays, provided issuer and client id stay; without any, the client
    /// is a public one.
    #[schema(value_type = Option<String>)]
    client_secret: Option<SecretString>,
    /// The claim of the ID token that lists groups.
    #[schema(example = "groups")]
    groups_claim: Option<String>,
    /// What each group is worth, by its exact name; at most 200.
    #[serde(default)]
    group_levels: BTreeMap<String, GroupLevel>,
    /// What somebody in none of the groups gets, 1 to 4; absent: no access.
    #[schema(value_type = Option<u8>)]
    default_level: Option<Level>,
    /// Whether somebody unknown is made a user at the first log-in.
    #[serde(default)]
    jit: bool,
    /// Whether `amr` and `acr` of the provider count as a second factor.
    #[serde(default)]
    trust_mfa: bool,
}

fn mapped(level: Level, pointer: String) -> Result<MappedLevel, Problem> {
    MappedLevel::try_from(level)
        .map_err(|_| Problem::invalid(pointer, "a level from 1 to 4").of_kind("grant-not-below-own"))
}

fn mapping(groups: BTreeMap<String, GroupLevel>, default: Option<Level>) -> Result<Mapping, Problem> {
    let default = default
        .map(|level| mapped(level, "/default_level".to_owned()))
        .transpose()?;
    let group = |(name, GroupLevel { level, unit }): (String, GroupLevel)| {
        let pointer = format!("/group_levels/{}/level", name.replace('~', "~0").replace('/', "~1"));
        let level = mapped(level, pointer)?;
        Ok((name, Mapped { level, unit }))
    };
    let groups = groups.into_iter().map(group).collect::<Result<_, Problem>>()?;
    Mapping::new(groups, default).map_err(|error| Problem::invalid("/group_levels", error.to_string()))
}

/// Lists the identity providers.
#[utoipa::path(get, path = "/v1/sso/providers", tag = "identity", security(("bearer" = [])),
    responses((status = 200, body = ProviderList), (status = 403, body = ProblemBody)))]
async fn list(caller: Caller, State(api): State<Api>) -> Result<Answer<ProviderList>, Problem> {
    let all = caller.perform(&api, &ListProviders).await?;
    Ok(Answer(ProviderList {
        items: all.iter().map(ProviderView::from).collect(),
        next_cursor: None,
    }))
}

/// One identity provider. Its client secret is never shown.
#[utoipa::path(get, path = "/v1/sso/providers/{provider}", tag = "identity", security(("bearer" = [])),
    params(("provider" = String, Path)), responses((status = 200, body = ProviderView), (status = 404, body = ProblemBody)))]
async fn get(
    caller: Caller,
    State(api): State<Api>,
    Path(name): Path<String>,
) -> Result<Answer<ProviderView>, Problem> {
    let name: ProviderName = name.parse().map_err(|_| Problem::not_found())?;
    let provider = caller.perform(&api, &GetProvider { name }).await?;
    Ok(Answer(ProviderView::from(&provider)))
}

/// Configures an identity provider, in place of any of that name. Its groups give levels in the caller's name from now on.
#[utoipa::path(put, path = "/v1/sso/providers/{provider}", tag = "identity", security(("bearer" = [])),
    params(("provider" = String, Path)), request_body = ProviderBody,
    responses((status = 200, body = ProviderView), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn put(
    caller: Caller,
    State(api): State<Api>,
    Path(name): Path<String>,
    body: Json<ProviderBody>,
) -> Result<Answer<ProviderView>, Problem> {
    let body = body.value;
    let name: ProviderName = name
        .parse()
        .map_err(|error: InvalidProvider| Problem::invalid("", error.to_string()))?;
    let issuer: Issuer = body
        .issuer
        .parse()
        .map_err(|error: keepgate_sso::InvalidIssuer| Problem::invalid("/issuer", error.to_string()))?;
    let provider = Provider {
        name,
        issuer,
        client_id: body.client_id,
        groups_claim: body.groups_claim,
        mapping: mapping(body.group_levels, body.default_level)?,
        jit: body.jit,
        trust_mfa: body.trust_mfa,
        configured_by: caller.context().principal().id,
        updated_at: caller.now(),
    };
    let secret = match body.client_secret {
        None => SecretChange::Keep,
        Some(secret) => {
            if !(1..=1_000).contains(&secret.expose_secret().len()) {
                return Err(Problem::invalid("/client_secret", InvalidProvider::Secret.to_string()));
            }
            let place = SsoDesk::place(caller.context().tenant(), &provider.name);
            SecretChange::Sealed(api.gate.seal(&place, secret.expose_secret().as_bytes()).await?)
        }
    };
    let stored = caller.perform(&api, &ConfigureProvider { provider, secret }).await?;
    Ok(Answer(ProviderView::from(&stored)))
}

/// Removes an identity provider. People who came through it stay, and can't come in through it any more.
#[utoipa::path(delete, path = "/v1/sso/providers/{provider}", tag = "identity", security(("bearer" = [])),
    params(("provider" = String, Path)), responses((status = 204), (status = 404, body = ProblemBody)))]
async fn delete(caller: Caller, State(api): State<Api>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    let name: ProviderName = name.parse().map_err(|_| Problem::not_found())?;
    caller.perform(&api, &DeleteProvider { name }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where a log-in belongs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StartQuery {
    /// The tenant (`ten_…`).
    tenant: String,
}

/// Sends a browser to the identity provider. The answer's cookie ties the log-in to this browser for ten minutes.
#[utoipa::path(get, path = "/v1/auth/sso/{provider}/start", tag = "identity", params(("provider" = String, Path), StartQuery),
    responses((status = 303, description = "to the provider's authorisation endpoint"), (status = 404, body = ProblemBody), (status = 503, body = ProblemBody)))]
async fn start(
    visitor: Visitor,
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(query): Query<StartQuery>,
) -> Result<Response, Problem> {
    visitor.entered();
    // A text that is no tenant is answered, and logged, as a tenant that does not exist.
    let tenant: TenantId = query
        .tenant
        .parse()
        .unwrap_or(TenantId::from_uuid(keepgate_kernel::Uuid::nil()));
    let started = api.sso.start(&visitor.worker(api.platform), tenant, &name).await;
    let started = started.map_err(|failure| match failure {
        Failure::Command(StartSsoError::Unavailable) => unavailable(),
        other => other.into(),
    })?;
    Ok(with_cookie(
        (
            StatusCode::SEE_OTHER,
            [(header::LOCATION, started.location.as_str().to_owned())],
        ),
        &bound(&started.ticket),
    ))
}

/// The cookie that ties what began to this browser, for ten minutes.
pub(super) fn bound(ticket: &Ticket) -> String {
    format!(
        "{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600",
        ticket.expose()
    )
}

/// What came of a visit to the provider.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum CallbackView {
    /// A session.
    Opened(TokenView),
    /// The account is linked.
    Linked {
        /// To this provider.
        linked: String,
    },
}

/// What a provider sends people back with; other parameters are its own affair.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Returned {
    /// As sent.
    #[param(value_type = Option<String>)]
    state: Option<String>,
    /// The authorisation code.
    #[param(value_type = Option<String>)]
    code: Option<SecretString>,
    /// The issuer (RFC 9207).
    #[param(value_type = Option<String>)]
    iss: Option<String>,
}

/// Takes a browser back from the identity provider, and opens a session, or links the account where that was wished.
#[utoipa::path(get, path = "/v1/auth/sso/callback", tag = "identity", params(Returned),
    responses((status = 200, body = CallbackView), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 503, body = ProblemBody)))]
async fn callback(
    visitor: Visitor,
    State(api): State<Api>,
    headers: HeaderMap,
    Query(query): Query<Returned>,
) -> Result<Response, Problem> {
    visitor.entered();
    let seen = visitor.worker(api.platform);
    let query = CallbackQuery {
        state: query.state,
        code: query.code,
        issuer: query.iss,
    };
    let opened = api.sso.finish(&seen, &query, ticket(&headers)).await;
    let opened = opened.map_err(|failure| match failure {
        Failure::Command(SsoLoginError::Unavailable) => unavailable(),
        other => other.into(),
    })?;
    let answer = Answer(match opened {
        Finished::Opened(session) => CallbackView::Opened(TokenView::of(&api, &session, seen.at())?),
        Finished::Linked(provider) => CallbackView::Linked {
            linked: provider.to_string(),
        },
    });
    let over = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    Ok(with_cookie(answer, &over))
}

pub(super) fn unavailable() -> Problem {
    Problem::unavailable(
        "identity-provider-unavailable",
        "the identity provider does not answer as it should",
    )
}

/// The ticket among the cookies (RFC 6265 section 4.2). One that comes twice is none: somebody else set one of them.
fn ticket(headers: &HeaderMap) -> Option<&str> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let mut found = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    let only = found.next()?;
    found.next().is_none().then_some(only)
}

pub(super) fn with_cookie(answer: impl IntoResponse, cookie: &str) -> Response {
    let mut response = answer.into_response();
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticket_is_found_among_other_cookies_but_not_when_it_comes_twice() {
        let read = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, line.parse().unwrap());
            }
            ticket(&headers).map(str::to_owned)
        };
        assert_eq!(read(&["a=b; __Host-kg-sso=xyz; c=d"]).as_deref(), Some("xyz"));
        assert_eq!(read(&["__Host-kg-ssox=xyz"]), None);
        assert_eq!(read(&["kg-sso=xyz"]), None, "a cookie another host could have set");
        assert_eq!(read(&["__Host-kg-sso=a; __Host-kg-sso=b"]), None);
        assert_eq!(read(&["__Host-kg-sso=a", "__Host-kg-sso=b"]), None);
    }
}
