//! `GET /v1/audit`: search the log.
use axum::{Json as Answer, extract::State};
use keepgate_audit::{EntryQuery, operations::ListAudit};
use keepgate_kernel::{Action, Entity, Outcome, PrincipalId, Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::view::EntryView;
use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::Query,
    page::{self, Page},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which entries. All conditions must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Recorded at this instant (RFC 3339) or later.
    #[param(value_type = Option<String>)]
    from: Option<Timestamp>,
    /// Recorded before this instant.
    #[param(value_type = Option<String>)]
    to: Option<Timestamp>,
    /// By this principal.
    actor: Option<String>,
    /// This operation, such as `message.accept`.
    action: Option<String>,
    /// About exactly this, such as a message's id.
    entity: Option<String>,
    /// `done`, `refused` or `failed`.
    outcome: Option<String>,
    /// A text that action, entity or reason contains.
    q: Option<String>,
    /// 1 to 500, 50 if absent.
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl AuditQuery {
    fn read(self) -> Result<EntryQuery, Problem> {
        let actor = |text: String| {
            text.parse::<PrincipalId>()
                .map_err(|_| Problem::invalid("?actor", "not a principal's id"))
        };
        let action = |text: String| {
            text.parse::<Action>()
                .map_err(|_| Problem::invalid("?action", "no such operation"))
        };
        let outcome = |text: String| {
            Outcome::parse(&text).ok_or_else(|| Problem::invalid("?outcome", "`done`, `refused` or `failed`"))
        };
        Ok(EntryQuery {
            from: self.from,
            to: self.to,
            actor: self.actor.map(actor).transpose()?,
            action: self.action.map(action).transpose()?,
            entity: self.entity.map(Entity::stored),
            outcome: self.outcome.map(outcome).transpose()?,
            q: self.q,
            start: page::position(self.cursor.as_deref())?.unwrap_or(0),
            end: None,
            limit: page::limit(self.limit)?,
        })
    }
}

/// Entries of the caller's tenant in the order of their index. A past page never changes.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", security(("bearer" = [])), params(AuditQuery),
    responses((status = 200, body = Page<EntryView>), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<AuditQuery>,
) -> Result<Answer<Page<EntryView>>, Problem> {
    let mut page = caller.perform(&api, &ListAudit { query: query.read()? }).await?;
    api.gate.reveal(&mut page.items).await?;
    let next_cursor = page.next.map(|next| page::encode(&next.to_string()));
    Ok(Answer(Page {
        items: page.items.iter().map(EntryView::from).collect(),
        next_cursor,
    }))
}
