//! Tokens of directories.
use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_gate::operations::{IssueScimToken, ListScimTokens, RevokeScimToken};
use keepgate_kernel::{PrincipalId, PrincipalKind, RequestId, Timestamp, Uuid, format_time};
use keepgate_sso::{
    ProviderName,
    scim::{ScimToken, ScimTokenRecord},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, Path, Query},
    once::Idempotency,
    page::{self, Page},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, issue))
        .routes(routes!(revoke))
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

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
struct TokenSeen {
    /// For `DELETE /v1/scim/tokens/{token}`.
    id: String,
    /// What people call it.
    name: String,
    /// The identity provider whose mapping the directory's groups follow.
    provider: String,
    /// The service that the audit log names as actor.
    actor: String,
    /// When it was issued.
    created_at: String,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// When it was ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
}

impl From<&ScimTokenRecord> for TokenSeen {
    fn from(token: &ScimTokenRecord) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.clone(),
            provider: token.provider.to_string(),
            actor: token.actor.to_string(),
            created_at: format_time(token.created_at),
            expires_at: token.expires_at.map(format_time),
            revoked_at: token.revoked_at.map(format_time),
        }
    }
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

/// Tokens of directories, the ended ones included. Their secrets are not kept.
#[utoipa::path(get, path = "/v1/scim/tokens", tag = "identity", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<TokenSeen>), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<TokenSeen>>, Problem> {
    let limit = page::limit(query.limit)?;
    let after = page::position(query.cursor.as_deref())?;
    let command = ListScimTokens {
        after,
        limit: limit.into(),
    };
    let tokens = caller.perform(&api, &command).await?;
    Ok(Answer(Page::of(&tokens, limit, |token| token.id.to_string())))
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
