//! Logging in, entering for the first time, logging out.
use axum::{Json as Answer, extract::State, http::StatusCode};
use keepgate_gate::Failure;
use keepgate_identity::{EnrolRefused, FrontDeskError, LoggedIn, LoginError, Logout};
use keepgate_kernel::{TenantId, Timestamp};
use keepgate_policy::Credential;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Caller, Problem, ProblemBody, extract::Json, visitor::Visitor};

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

/// A token (RFC 6750).
#[derive(Serialize, ToSchema)]
pub(super) struct TokenView {
    /// Send it as `Authorization: Bearer …`.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// Seconds it lives: eight hours.
    #[schema(example = 28800)]
    expires_in: i64,
    /// The session it names; revoking that ends the token at once.
    session_id: String,
}

/// Issued at the instant the session counts from, so that its eight hours are whole.
pub(super) fn token(api: &Api, session: &LoggedIn, at: Timestamp) -> Result<Answer<TokenView>, Problem> {
    let internal = |_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal-error",
            "something went wrong here",
        )
    };
    let issued = api.tokens.issue(session, at).map_err(internal)?;
    Ok(Answer(TokenView {
        access_token: issued.expose().to_owned(),
        token_type: "Bearer",
        expires_in: issued.expires_in,
        session_id: session.session.to_string(),
    }))
}

fn desk(error: FrontDeskError) -> Problem {
    match error {
        FrontDeskError::Busy => Problem::unavailable("busy", "too many passwords are being checked; try again"),
        FrontDeskError::Store(error) => error.into(),
    }
}

/// Opens a session. A wrong password and an unknown address look alike; after a few failures the address has to wait.
#[utoipa::path(post, path = "/v1/auth/login", tag = "identity", request_body = LoginBody,
    responses((status = 200, body = TokenView), (status = 401, body = ProblemBody), (status = 422, body = ProblemBody),
        (status = 429, body = ProblemBody, description = "locked out for a while, see `Retry-After`")))]
async fn login(visitor: Visitor, State(api): State<Api>, body: Json<LoginBody>) -> Result<Answer<TokenView>, Problem> {
    let LoginBody {
        email,
        password,
        tenant,
    } = body.value;
    let seen = visitor.identity();
    let prepared = api
        .front_desk
        .login(&email, &password, tenant, seen.id, seen.source, seen.at)
        .await
        .map_err(desk)?;
    visitor.entered();
    match api
        .front_gate
        .perform_for(&prepared.context, prepared.actor, &prepared.command)
        .await
    {
        Ok(done) => token(&api, &done.output, seen.at),
        Err(Failure::Command(LoginError::LockedOut { retry_after })) => {
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "locked-out", "too many failed attempts");
            Err(problem.retry_after(retry_after.as_secs() + 1))
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Uses a one-time code: sets the first password and opens a session.
#[utoipa::path(post, path = "/v1/auth/enrol", tag = "identity", request_body = EnrolBody,
    responses((status = 200, body = TokenView), (status = 401, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn enrol(visitor: Visitor, State(api): State<Api>, body: Json<EnrolBody>) -> Result<Answer<TokenView>, Problem> {
    let EnrolBody { code, password } = body.value;
    let seen = visitor.identity();
    let prepared = match api
        .front_desk
        .enrol(&code, password, seen.id, seen.source, seen.at)
        .await
    {
        Ok(prepared) => prepared,
        Err(EnrolRefused::Password(rule)) => return Err(Problem::invalid("/password", rule.to_string())),
        Err(EnrolRefused::Desk(error)) => return Err(desk(error)),
    };
    visitor.entered();
    let done = api
        .front_gate
        .perform_for(&prepared.context, prepared.actor, &prepared.command)
        .await?;
    token(&api, &done.output, seen.at)
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
