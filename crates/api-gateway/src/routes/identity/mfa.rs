//! Proving a second factor: at log-in, and again before something sensitive.
use axum::{
    Json as Answer,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use keepgate_gate::{Failure, Proofs, SecondAnswer, Visit};
use keepgate_identity::StepUpError;
use keepgate_policy::Credential;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    passkeys::AssertedCredential,
    token::{TokenView, second_desk},
};
use crate::{Api, Caller, Problem, ProblemBody, extract::Json, visitor::Visitor};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(complete)).routes(routes!(step_up))
}

/// The answer to a log-in's question: the challenge and exactly one proof.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MfaBody {
    /// As the log-in told it.
    challenge: String,
    /// Six digits of the authenticator app.
    #[schema(value_type = Option<String>, example = "287082")]
    totp: Option<SecretString>,
    /// A recovery code.
    #[schema(value_type = Option<String>)]
    recovery: Option<SecretString>,
    /// A signature of a passkey.
    passkey: Option<AssertedCredential>,
}

/// What somebody proves itself again with: the second factor if there is one, else the password; both may be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StepUpBody {
    /// The password.
    #[schema(value_type = Option<String>)]
    password: Option<SecretString>,
    /// Six digits of the authenticator app.
    #[schema(value_type = Option<String>, example = "287082")]
    totp: Option<SecretString>,
    /// A recovery code.
    #[schema(value_type = Option<String>)]
    recovery: Option<SecretString>,
    /// A signature of a passkey.
    passkey: Option<AssertedCredential>,
}

/// At most one second factor.
fn one(
    totp: Option<SecretString>,
    recovery: Option<SecretString>,
    passkey: Option<&AssertedCredential>,
) -> Result<Option<SecondAnswer>, Problem> {
    match (totp, recovery, passkey) {
        (None, None, None) => Ok(None),
        (Some(code), None, None) => Ok(Some(SecondAnswer::Totp(code))),
        (None, Some(code), None) => Ok(Some(SecondAnswer::Recovery(code))),
        (None, None, Some(passkey)) => Ok(Some(SecondAnswer::Passkey(Box::new(passkey.read()?)))),
        _ => Err(Problem::invalid("", "send one second factor")),
    }
}

/// Answers a log-in's question. Five answers are looked at; then, and after five minutes, the log-in begins again.
#[utoipa::path(post, path = "/v1/auth/mfa", tag = "identity", request_body = MfaBody,
    responses((status = 200, body = TokenView, headers(("Set-Cookie" = String, description = "`__Host-kg_device`, as after `POST /v1/auth/login`"))),
        (status = 401, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn complete(visitor: Visitor, State(api): State<Api>, body: Json<MfaBody>) -> Result<Response, Problem> {
    let MfaBody {
        challenge,
        totp,
        recovery,
        passkey,
    } = body.value;
    let answer = one(totp, recovery, passkey.as_ref())?;
    let answer = answer.ok_or_else(|| Problem::invalid("", "send `totp`, `passkey` or `recovery`"))?;
    let seen = visitor.identity();
    let visit = Visit {
        request: seen.id,
        source: seen.source,
        at: seen.at,
    };
    let prepared = api
        .second_desk
        .complete(&challenge, &answer, visit)
        .await
        .map_err(second_desk)?;
    visitor.entered();
    let done = api
        .front_gate
        .perform_for(&prepared.context, prepared.actor, &prepared.command)
        .await?
        .output;
    let token = TokenView::of(&api, &done.session, seen.at)?;
    let mut response = Answer(token.with_codes(&done.recovery_codes)).into_response();
    if let Some(email) = &done.email {
        super::auth::remember(&api, &mut response, &done.session, email.as_str(), seen.at)?;
    }
    Ok(response)
}

/// Proves who one is again. The answer is a new session and its token; the session of this request ends. For five minutes the new
/// one may do what wants a fresh proof.
#[utoipa::path(post, path = "/v1/auth/step-up", tag = "identity", security(("bearer" = [])), request_body = StepUpBody,
    responses((status = 200, body = TokenView), (status = 401, body = ProblemBody), (status = 422, body = ProblemBody),
        (status = 429, body = ProblemBody, description = "locked out for a while, see `Retry-After`")))]
async fn step_up(caller: Caller, State(api): State<Api>, body: Json<StepUpBody>) -> Result<Answer<TokenView>, Problem> {
    let StepUpBody {
        password,
        totp,
        recovery,
        passkey,
    } = body.value;
    let second = one(totp, recovery, passkey.as_ref())?;
    let Credential::Session(present) = caller.context().credential() else {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not-for-api-keys",
            "an API key has no session to renew",
        ));
    };
    let password = match &password {
        Some(password) => {
            let checked = api.front_desk.confirm_password(caller.context(), password).await;
            Some(checked.map_err(super::auth::desk)?)
        }
        None => None,
    };
    let proofs = Proofs { password, second };
    let command = api
        .second_desk
        .step_up(caller.context(), present, proofs)
        .await
        .map_err(second_desk)?;
    caller.entered();
    match api
        .gate
        .perform_behind(&api.front_gate, caller.context(), &command)
        .await
    {
        Ok(done) => Ok(Answer(TokenView::of(&api, &done.output, caller.now())?)),
        Err(Failure::Command(StepUpError::LockedOut { retry_after })) => {
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "locked-out", "too many failed attempts");
            Err(problem.retry_after(retry_after.as_secs() + 1))
        }
        Err(failure) => Err(failure.into()),
    }
}
