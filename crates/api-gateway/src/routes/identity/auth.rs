//! Logging in, entering for the first time, logging out.
use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use keepgate_gate::Failure;
use keepgate_identity::{EnrolRefused, Entered, FrontDeskError, LoggedIn, LoginError, LoginForm, Logout};
use keepgate_kernel::{TenantId, Timestamp};
use keepgate_policy::Credential;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::token::{EnteredView, second_desk};
use crate::{Api, Caller, Problem, ProblemBody, device, extract::Json, visitor::Visitor};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(login))
        .routes(routes!(enrol))
        .routes(routes!(logout))
}

/// What a person proves itself with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LoginBody {
    /// The address the user was created with.
    #[schema(example = "ann@example.org")]
    email: String,
    /// At most 1,024 bytes.
    #[schema(value_type = String, example = "correct horse battery staple")]
    password: SecretString,
    /// For an address that has accounts in several tenants.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

/// A one-time code and the password to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EnrolBody {
    /// `kge_…`, valid for 24 hours.
    code: String,
    /// 15 characters or more, at most 1,024 bytes.
    #[schema(value_type = String, example = "correct horse battery staple")]
    password: SecretString,
}

pub(super) fn desk(error: FrontDeskError) -> Problem {
    match error {
        FrontDeskError::Busy => Problem::unavailable("busy", "too many passwords are being checked; try again"),
        FrontDeskError::Store(error) => error.into(),
    }
}

/// Refused at once, with the time to come back.
pub(super) fn locked_out(retry_after: std::time::Duration) -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "locked-out", "too many failed attempts")
        .retry_after(retry_after.as_secs() + 1)
}

/// Opens a session, or asks for a second factor: then send the challenge back to `POST /v1/auth/mfa` within five minutes. A wrong password and an unknown address look alike; after a few failures strangers to the account have to
/// wait. A browser that has logged in before sends the cookie it was given, and waits for nobody's failures but its own.
#[utoipa::path(post, path = "/v1/auth/login", tag = "identity", request_body = LoginBody,
    responses((status = 200, body = EnteredView, headers(("Set-Cookie" = String, description = "`__Host-kg_device`: gives no access, only a counter of failures of its own; 90 days"))),
        (status = 401, body = ProblemBody), (status = 422, body = ProblemBody),
        (status = 429, body = ProblemBody, description = "locked out for a while, see `Retry-After`"),
        (status = 503, body = ProblemBody, description = "too many passwords are being checked, see `Retry-After`")))]
async fn login(
    visitor: Visitor,
    State(api): State<Api>,
    headers: HeaderMap,
    body: Json<LoginBody>,
) -> Result<Response, Problem> {
    let LoginBody {
        email,
        password,
        tenant,
    } = body.value;
    let seen = visitor.identity();
    let form = LoginForm {
        email: &email,
        password: &password,
        tenant,
        device: device::sent(&headers),
    };
    let mut prepared = api
        .front_desk
        .login(&form, seen.id, seen.source, seen.at)
        .await
        .map_err(desk)?;
    api.second_desk.ready_login(&mut prepared).await.map_err(second_desk)?;
    visitor.entered();
    match api
        .front_gate
        .perform_for(&prepared.context, prepared.actor, &prepared.command)
        .await
    {
        Ok(done) => {
            let view = EnteredView::of(&api, &done.output, seen.at)?;
            let mut response = Answer(view).into_response();
            if let Entered::Session(session) = &done.output {
                remember(&api, &mut response, session, &email, seen.at)?;
            }
            Ok(response)
        }
        Err(Failure::Command(LoginError::LockedOut { retry_after })) => Err(locked_out(retry_after)),
        Err(failure) => Err(failure.into()),
    }
}

/// Has the browser keep the cookie of somebody who has just logged in as `email`.
pub(super) fn remember(
    api: &Api,
    response: &mut Response,
    session: &LoggedIn,
    email: &str,
    at: Timestamp,
) -> Result<(), Problem> {
    let cookie = api.front_desk.device_cookie(session, email, at);
    if let Some(cookie) = device::header(&cookie.map_err(super::no_randomness)?) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(())
}

/// Uses a one-time code: sets the first password and opens a session. Platform levels get none before they have added an
/// authenticator app, which the answer holds: send its first code to `POST /v1/auth/mfa`.
#[utoipa::path(post, path = "/v1/auth/enrol", tag = "identity", request_body = EnrolBody,
    responses((status = 200, body = EnteredView), (status = 401, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn enrol(
    visitor: Visitor,
    State(api): State<Api>,
    body: Json<EnrolBody>,
) -> Result<Answer<EnteredView>, Problem> {
    let EnrolBody { code, password } = body.value;
    let seen = visitor.identity();
    let mut prepared = match api
        .front_desk
        .enrol(&code, password, seen.id, seen.source, seen.at)
        .await
    {
        Ok(prepared) => prepared,
        Err(EnrolRefused::Password(rule)) => return Err(Problem::invalid("/password", rule.to_string())),
        Err(EnrolRefused::Desk(error)) => return Err(desk(error)),
    };
    api.second_desk.ready_enrol(&mut prepared).await.map_err(second_desk)?;
    visitor.entered();
    let done = api
        .front_gate
        .perform_for(&prepared.context, prepared.actor, &prepared.command)
        .await?;
    Ok(Answer(EnteredView::of(&api, &done.output, seen.at)?))
}

/// Ends the session of this request, everywhere.
#[utoipa::path(post, path = "/v1/auth/logout", tag = "identity", security(("bearer" = [])),
    responses((status = 204), (status = 403, body = ProblemBody)))]
async fn logout(caller: Caller, State(api): State<Api>) -> Result<StatusCode, Problem> {
    let Credential::Session(session) = caller.context().credential() else {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not-for-api-keys",
            "an API key has no session to end; revoke the key",
        ));
    };
    caller.perform(&api, &Logout { session }).await?;
    Ok(StatusCode::NO_CONTENT)
}
