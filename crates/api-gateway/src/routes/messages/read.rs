//! `GET /v1/messages` and `GET /v1/messages/{message}`.
use axum::{Json as Answer, extract::State};
use keepgate_channels::{
    Cursor, MessageFilter, Page as Part, Status,
    commands::{GetMessage, ListMessages},
};
use keepgate_kernel::{MessageId, RecipientId, Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::view::{JourneyView, SummaryView};
use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Path, Query},
    page::{self, Page},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}

/// Which messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MessageQuery {
    /// `accepted`, `delivering`, `delivered`, `acknowledged`, `failed`, `cancelled` or `expired`.
    #[param(value_type = Option<String>)]
    status: Option<Status>,
    /// Sent to this recipient.
    #[param(value_type = Option<String>)]
    recipient: Option<RecipientId>,
    /// Accepted at this instant (RFC 3339) or later.
    #[param(value_type = Option<String>)]
    from: Option<Timestamp>,
    /// Accepted before this instant.
    #[param(value_type = Option<String>)]
    to: Option<Timestamp>,
    /// 1 to 500, 50 if absent.
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Messages within the caller's reach, the newest first.
#[utoipa::path(get, path = "/v1/messages", tag = "messages", security(("bearer" = [])), params(MessageQuery),
    responses((status = 200, body = Page<SummaryView>), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<MessageQuery>,
) -> Result<Answer<Page<SummaryView>>, Problem> {
    let page = Part {
        limit: page::limit(query.limit)?,
        after: page::position::<Cursor>(query.cursor.as_deref())?,
    };
    let filter = MessageFilter {
        status: query.status,
        recipient: query.recipient,
        from: query.from,
        to: query.to,
    };
    let listed = caller.perform(&api, &ListMessages { filter, page }).await?;
    Ok(Answer(Page::listed(&listed)))
}

/// A message and its journey.
#[utoipa::path(get, path = "/v1/messages/{message}", tag = "messages", security(("bearer" = [])),
    params(("message" = String, Path, description = "its id")),
    responses((status = 200, body = JourneyView), (status = 404, body = ProblemBody)))]
async fn get(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<MessageId>,
) -> Result<Answer<JourneyView>, Problem> {
    let journey = caller.perform(&api, &GetMessage { id }).await?;
    Ok(Answer(JourneyView::from(&journey)))
}
