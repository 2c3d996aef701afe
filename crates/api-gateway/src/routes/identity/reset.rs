//! Forgotten passwords: asking for a code, using it, and having one sent to somebody else.
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use keepgate_gate::workers::Recovery;
use keepgate_identity::{Email, EnrolRefused, RecoverPassword, ResetPassword};
use keepgate_kernel::{MailId, PrincipalId, TenantId};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::auth::desk;
use crate::{
    Api, Caller, Problem, ProblemBody, device,
    extract::{Json, Path},
    visitor::Visitor,
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(ask))
        .routes(routes!(confirm))
        .routes(routes!(send))
}

/// Whose password was forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskBody {
    /// The address to log in with.
    #[schema(example = "ann@example.org")]
    email: String,
    /// For an address that has accounts in several tenants; all of them get a code if absent.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

/// A code from a mail, and the password to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfirmBody {
    /// `kgr_…`, valid for 20 minutes.
    code: String,
    /// 15 characters or more, at most 1,024 bytes, not among those tried first.
    #[schema(value_type = String, example = "nine purple kayaks at dawn")]
    password: SecretString,
}

/// Asks for a code to set a forgotten password. The answer is always the same; if the address has an account, a code is sent to it.
#[utoipa::path(post, path = "/v1/auth/reset", tag = "identity", request_body = AskBody,
    responses((status = 202), (status = 422, body = ProblemBody), (status = 503, body = ProblemBody)))]
async fn ask(visitor: Visitor, State(api): State<Api>, body: Json<AskBody>) -> Result<StatusCode, Problem> {
    let AskBody { email, tenant } = body.value;
    let (seen, id) = (visitor.identity(), MailId::new(visitor.identity().at));
    let email: Email = email
        .trim()
        .parse()
        .map_err(|_| Problem::invalid("/email", "not an e-mail address"))?;
    let may = api
        .front_desk
        .may_recover(email.as_str(), seen.id, seen.source, seen.at)
        .await
        .map_err(desk)?;
    let typed = Recovery { email, tenant }.to_text();
    let sealed = api
        .front_gate
        .seal(&Recovery::place(api.platform, id), typed.as_bytes())
        .await?;
    let sealed = Some(sealed).filter(|_| may && api.mail);
    visitor.entered();
    api.front_gate
        .perform_for(&visitor.worker(api.platform), None, &RecoverPassword { id, sealed })
        .await?;
    Ok(StatusCode::ACCEPTED)
}

/// Sets a new password with a code, and ends every session. Opens none: the next log-in asks for whatever it asked for before.
#[utoipa::path(post, path = "/v1/auth/reset/confirm", tag = "identity", request_body = ConfirmBody,
    responses((status = 204), (status = 401, body = ProblemBody), (status = 422, body = ProblemBody), (status = 503, body = ProblemBody)))]
async fn confirm(visitor: Visitor, State(api): State<Api>, body: Json<ConfirmBody>) -> Result<Response, Problem> {
    let ConfirmBody { code, password } = body.value;
    let seen = visitor.identity();
    let prepared = match api
        .front_desk
        .confirm_reset(&code, password, seen.id, seen.source, seen.at)
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
    let mut response = StatusCode::NO_CONTENT.into_response();
    let cookie = api.front_desk.recovered_cookie(&done.output, seen.at);
    if let Some(cookie) = device::header(&cookie.map_err(super::no_randomness)?) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Has a code to set a new password sent to a user of a lower level, to the user's own address. Nobody but the user sees it.
#[utoipa::path(post, path = "/v1/users/{user}/reset", tag = "identity", security(("bearer" = [])),
    params(("user" = String, Path, description = "its id")),
    responses((status = 202), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody, description = "`mail-not-configured`")))]
async fn send(caller: Caller, State(api): State<Api>, Path(user): Path<PrincipalId>) -> Result<StatusCode, Problem> {
    let mail = api.mail;
    caller.perform(&api, &ResetPassword { user, mail }).await?;
    Ok(StatusCode::ACCEPTED)
}
