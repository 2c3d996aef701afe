//! `/v1/holds`: what must not be erased or removed.
use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_audit::{Hold, HoldScope, operations::ListHolds};
use keepgate_gate::operations::{PlaceHold, ReleaseHold};
use keepgate_kernel::{HoldId, PrincipalId, Timestamp, format_time};
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
        .routes(routes!(place, list))
        .routes(routes!(release))
}

/// A hold.
#[derive(Debug, Serialize, ToSchema)]
struct HoldView {
    /// Its id.
    #[schema(example = "hld_01jd0000000000000000000000")]
    id: String,
    /// Who is not erased; absent: nobody is.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// Entries recorded at this instant or later are kept; absent: from the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Entries recorded before this instant are kept; absent: to the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Why.
    reason: String,
    /// Who placed it.
    placed_by: String,
    /// When.
    placed_at: String,
    /// Who released it.
    released_by: Option<String>,
    /// When.
    released_at: Option<String>,
}

impl From<&Hold> for HoldView {
    fn from(hold: &Hold) -> Self {
        Self {
            id: hold.id.to_string(),
            subject: hold.scope.subject.map(|subject| subject.to_string()),
            from: hold.scope.from.map(format_time),
            to: hold.scope.to.map(format_time),
            reason: hold.reason.clone(),
            placed_by: hold.placed_by.to_string(),
            placed_at: format_time(hold.placed_at),
            released_by: hold.released.map(|(who, _)| who.to_string()),
            released_at: hold.released.map(|(_, at)| format_time(at)),
        }
    }
}

/// What to hold. What is not named is not narrowed: without `subject` everybody, without `from` and `to` every time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewHoldBody {
    /// A user, deleted or not.
    #[schema(value_type = Option<String>, example = "usr_01jd0000000000000000000000")]
    subject: Option<PrincipalId>,
    /// Recorded at this instant (RFC 3339) or later.
    #[schema(value_type = Option<String>)]
    from: Option<Timestamp>,
    /// Recorded before this instant.
    #[schema(value_type = Option<String>)]
    to: Option<Timestamp>,
    /// Why: 10 to 500 characters.
    #[schema(example = "proceedings announced by letter of the third of May")]
    reason: String,
}

/// Places a hold: whom it names is not erased, what it spans is not removed, until two people release it.
#[utoipa::path(post, path = "/v1/holds", tag = "audit", security(("bearer" = [])), request_body = NewHoldBody,
    responses((status = 201, body = HoldView), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn place(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewHoldBody>,
) -> Result<Response, Problem> {
    let NewHoldBody {
        subject,
        from,
        to,
        reason,
    } = body.value;
    let command = PlaceHold {
        id: HoldId::new(caller.now()),
        scope: HoldScope { subject, from, to },
        reason,
    };
    once.perform(&api, &caller, &body.raw, &command, StatusCode::CREATED, |hold, _| {
        HoldView::from(hold)
    })
    .await
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

/// Holds in the order they were placed, released ones too.
#[utoipa::path(get, path = "/v1/holds", tag = "audit", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<HoldView>), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<HoldView>>, Problem> {
    let limit = page::limit(query.limit)?;
    let command = ListHolds {
        after: page::position(query.cursor.as_deref())?,
        limit: u32::from(limit),
    };
    let holds = caller.perform(&api, &command).await?;
    Ok(Answer(Page::of(&holds, limit, |hold: &Hold| hold.id.to_string())))
}

/// Releases a hold. Two people have to want it: it uses up an approval of `hold.release`.
#[utoipa::path(delete, path = "/v1/holds/{hold}", tag = "audit", security(("bearer" = [])),
    params(("hold" = String, Path, description = "its id")),
    responses((status = 200, body = HoldView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn release(caller: Caller, State(api): State<Api>, Path(id): Path<HoldId>) -> Result<Answer<HoldView>, Problem> {
    let hold = caller.perform(&api, &ReleaseHold { id }).await?;
    Ok(Answer(HoldView::from(&hold)))
}
