//! `GET /v1/me`.
use axum::{Json as Answer, extract::State};
use keepgate_identity::ReadMe;
use keepgate_kernel::{Hat, format_time};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Caller, Problem, ProblemBody};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(me))
}

/// The caller's principal.
#[derive(Debug, Serialize, ToSchema)]
struct PrincipalView {
    /// Its id.
    #[schema(example = "usr_01jd0000000000000000000000")]
    id: String,
    /// `user`, `device` or `service`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
}

/// The caller's tenant.
#[derive(Debug, Serialize, ToSchema)]
struct TenantName {
    /// Its id.
    #[schema(example = "ten_01jd0000000000000000000000")]
    id: String,
    /// Its name.
    name: String,
}

/// Who one is.
#[derive(Debug, Serialize, ToSchema)]
struct MeView {
    /// The principal.
    principal: PrincipalView,
    /// The tenant.
    tenant: TenantName,
    /// The live level, 1 to 7.
    level: u8,
    /// Its name.
    #[schema(example = "operator")]
    level_name: &'static str,
    /// The hat worn: it leaves a fixed set of reads and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "auditor")]
    hat: Option<&'static str>,
    /// The session, unless an API key was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    /// How surely the session's principal proved who it is: `one` factor, `two`, or `owing` the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "two")]
    factors: Option<&'static str>,
    /// When that was; sensitive operations want it within the last five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated_at: Option<String>,
    /// When the credential ends; `null` for a key without an end.
    expires_at: Option<String>,
}

/// Who one is, as the database sees it now.
#[utoipa::path(get, path = "/v1/me", tag = "identity", security(("bearer" = [])),
    responses((status = 200, body = MeView), (status = 401, body = ProblemBody)))]
async fn me(caller: Caller, State(api): State<Api>) -> Result<Answer<MeView>, Problem> {
    let me = caller.perform(&api, &ReadMe).await?;
    Ok(Answer(MeView {
        principal: PrincipalView {
            id: me.principal.to_string(),
            kind: me.principal.kind().as_str(),
            display_name: me.display_name,
        },
        tenant: TenantName {
            id: me.tenant.to_string(),
            name: me.tenant_name,
        },
        level: me.level.number(),
        level_name: me.level.name(),
        hat: me.hat.map(Hat::as_str),
        session_id: me.session.map(|session| session.to_string()),
        factors: caller.context().assurance().map(|proved| proved.factors.as_str()),
        authenticated_at: caller.context().assurance().map(|proved| format_time(proved.at)),
        expires_at: me.expires_at.map(format_time),
    }))
}
