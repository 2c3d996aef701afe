//! Sessions: one's own and those of lower levels.
use axum::{Json as Answer, extract::State, http::StatusCode};
use keepgate_identity::{ListSessions, RevokePrincipalSessions, RevokeSession, SessionRecord};
use keepgate_kernel::{PrincipalId, SessionId, format_time};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Path, Query},
    page::{self, Page},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(revoke))
        .routes(routes!(revoke_all))
}

/// A live session.
#[derive(Debug, Serialize, ToSchema)]
struct SessionView {
    /// Its id.
    #[schema(example = "ses_01jd0000000000000000000000")]
    id: String,
    /// Whose.
    principal: String,
    /// The level it was opened with; the live one may be lower.
    level: u8,
    /// When it was opened.
    created_at: String,
    /// When it ends.
    expires_at: String,
}

impl From<&SessionRecord> for SessionView {
    fn from(session: &SessionRecord) -> Self {
        Self {
            id: session.id.to_string(),
            principal: session.principal.to_string(),
            level: session.level.number(),
            created_at: format_time(session.created_at),
            expires_at: format_time(session.expires_at),
        }
    }
}

/// Whose sessions, and where in the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// A principal of a lower level; one's own sessions if absent.
    #[param(value_type = Option<String>)]
    principal: Option<PrincipalId>,
    /// 1 to 500, 50 if absent.
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Live sessions.
#[utoipa::path(get, path = "/v1/sessions", tag = "identity", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<SessionView>), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<SessionView>>, Problem> {
    let limit = page::limit(query.limit)?;
    let after = page::position(query.cursor.as_deref())?;
    let command = ListSessions {
        principal: query.principal,
        after,
        limit: u32::from(limit),
    };
    let sessions = caller.perform(&api, &command).await?;
    Ok(Answer(Page::of(&sessions, limit, |session| session.id.to_string())))
}

/// Ends a session: the next request with its token is refused, on every instance.
#[utoipa::path(delete, path = "/v1/sessions/{session}", tag = "identity", security(("bearer" = [])),
    params(("session" = String, Path, description = "its id")),
    responses((status = 204), (status = 404, body = ProblemBody)))]
async fn revoke(caller: Caller, State(api): State<Api>, Path(session): Path<SessionId>) -> Result<StatusCode, Problem> {
    caller.perform(&api, &RevokeSession { session }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends every session of oneself or of a principal of a lower level.
#[utoipa::path(delete, path = "/v1/principals/{principal}/sessions", tag = "identity", security(("bearer" = [])),
    params(("principal" = String, Path, description = "its id")),
    responses((status = 204), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn revoke_all(
    caller: Caller,
    State(api): State<Api>,
    Path(principal): Path<PrincipalId>,
) -> Result<StatusCode, Problem> {
    caller.perform(&api, &RevokePrincipalSessions { principal }).await?;
    Ok(StatusCode::NO_CONTENT)
}
