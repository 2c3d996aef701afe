//! Changing one's own password.
use axum::{extract::State, http::StatusCode};
use keepgate_gate::Failure;
use keepgate_identity::{ChangePasswordError, ChangeRefused};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::auth::desk;
use crate::{Api, Caller, Problem, ProblemBody, extract::Json};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(change))
}

/// The present password and the one to set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    /// The present one.
    #[schema(value_type = String, example = "correct horse battery staple")]
    current_password: SecretString,
    /// 15 characters or more (8 where a second factor is enrolled), at most 1,024 bytes, not among those tried first.
    #[schema(value_type = String, example = "nine purple kayaks at dawn")]
    new_password: SecretString,
}

/// Changes the caller's own password. This session goes on, every other one of the caller's ends. Wrong present passwords are
/// counted by the session; too many have to wait.
#[utoipa::path(post, path = "/v1/auth/password", tag = "identity", security(("bearer" = [])), request_body = ChangeBody,
    responses((status = 204), (status = 403, body = ProblemBody, description = "`wrong-password`, or not for API keys"),
        (status = 422, body = ProblemBody), (status = 429, body = ProblemBody), (status = 503, body = ProblemBody)))]
async fn change(caller: Caller, State(api): State<Api>, body: Json<ChangeBody>) -> Result<StatusCode, Problem> {
    let ChangeBody {
        current_password,
        new_password,
    } = body.value;
    let prepared = api
        .front_desk
        .change_password(caller.context(), &current_password, new_password)
        .await;
    let command = match prepared {
        Ok(command) => command,
        Err(ChangeRefused::Password(rule)) => {
            return Err(Problem::invalid("/new_password", rule.to_string()));
        }
        Err(ChangeRefused::Desk(error)) => return Err(desk(error)),
    };
    caller.entered();
    match api.gate.perform(caller.context(), &command).await {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(Failure::Command(ChangePasswordError::LockedOut { retry_after })) => {
            Err(super::auth::locked_out(retry_after))
        }
        Err(failure) => Err(failure.into()),
    }
}
