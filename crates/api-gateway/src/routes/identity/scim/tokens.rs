//! Tokens of directories.
use axum::{extract::State, http::StatusCode, response::Response};
use keepgate_gate::operations::{IssueScimToken, RevokeScimToken};
use keepgate_kernel::{PrincipalId, PrincipalKind, RequestId, Timestamp, Uuid, format_time};
use keepgate_sso::{ProviderName, scim::ScimToken};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, Path},
    once::Idempotency,
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(issue)).routes(routes!(revoke))
}

/// A token to be issued.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// 1 to 200 characters.
    #[schema(example = "Entra ID")]
    name: String,
    /// The identity provider whose mapping the directory's groups follow; the tenant's only one if absent.
    provider: Option<String>,
    /// When it ends; absent: not by itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// A token, shown this once.
#[derive(Serialize, ToSchema)]
struct TokenIssued {
    /// For `DELETE /v1/scim/tokens/{token}`.
    id: String,
    /// `kgs_…`: the directory sends it as `Authorization: Bearer …`.
    token: String,
    /// The identity provider whose mapping the directory's groups follow.
    provider: String,
    /// The service that the audit log names as actor.
    actor: String,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// Issues the token with which a directory provisions users and groups (SCIM 2.0).
#[utoipa::path(post, path = "/v1/scim/tokens", tag = "identity", security(("bearer" = [])), request_body = NewToken,
    responses((status = 201, body = TokenIssued), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn issue(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewToken>,
) -> Result<Response, Problem> {
    let NewToken {
        name,
        provider,
        expires_at,
    } = body.value;
    let provider: Option<ProviderName> = provider
        .map(|name| {
            name.parse()
                .map_err(|_| Problem::invalid("/provider", "no such provider"))
        })
        .transpose()?;
    let token = ScimToken::random(caller.context().tenant()).map_err(|_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal-error",
            "something went wrong here",
        )
    })?;
    let command = IssueScimToken {
        id: RequestId::new(caller.now()).uuid(),
        actor: PrincipalId::new(PrincipalKind::Service, caller.now()),
        name,
        provider,
        hash: api.scim_tokens.hash(&token),
        expires_at,
    };
    once.perform(
        &api,
        &caller,
        &body.raw,
        &command,
        StatusCode::CREATED,
        |provider, _| TokenIssued {
            id: command.id.to_string(),
            token: token.expose(),
            provider: provider.to_string(),
            actor: command.actor.to_string(),
            expires_at: expires_at.map(format_time),
        },
    )
    .await
}

/// Ends a directory's token: its next request is refused.
#[utoipa::path(delete, path = "/v1/scim/tokens/{token}", tag = "identity", security(("bearer" = [])),
    params(("token" = String, Path)), responses((status = 204), (status = 404, body = ProblemBody)))]
async fn revoke(caller: Caller, State(api): State<Api>, Path(id): Path<Uuid>) -> Result<StatusCode, Problem> {
    caller.perform(&api, &RevokeScimToken { id }).await?;
    Ok(StatusCode::NO_CONTENT)
}
