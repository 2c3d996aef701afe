//! `/v1/erasures`: the end of what is known about a person.
use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_audit::{Erasure, operations::ListErasures};
use keepgate_gate::operations::EraseSubject;
use keepgate_kernel::{ErasureId, PrincipalId, format_time};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, Query},
    once::Idempotency,
    page::{self, Page},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(erase, list))
}

/// An erasure.
#[derive(Debug, Serialize, ToSchema)]
struct ErasureView {
    /// Its id.
    #[schema(example = "era_01jd0000000000000000000000")]
    id: String,
    /// Who: the number stays as a pseudonym.
    #[schema(example = "usr_01jd0000000000000000000000")]
    subject: String,
    /// Why.
    reason: String,
    /// By whom; absent where Keepgate repeated it, because an older database had brought the person back.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_by: Option<String>,
    /// When.
    erased_at: String,
    /// Where in the log the entry `audit.erased` is, once it has an index.
    index: Option<u64>,
    /// How many addresses were erased.
    openings: u64,
}

impl From<&Erasure> for ErasureView {
    fn from(erasure: &Erasure) -> Self {
        Self {
            id: erasure.id.to_string(),
            subject: erasure.subject.to_string(),
            reason: erasure.reason.clone(),
            erased_by: erasure.erased_by.map(|who| who.to_string()),
            erased_at: format_time(erasure.erased_at),
            index: erasure.index,
            openings: erasure.openings,
        }
    }
}

/// Whom to erase.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewErasureBody {
    /// A user who has been deleted.
    #[schema(value_type = String, example = "usr_01jd0000000000000000000000")]
    subject: PrincipalId,
    /// Why: 10 to 500 characters. It is kept, so it names nobody.
    #[schema(example = "request of the person of the third of May")]
    reason: String,
}

/// Erases a deleted user for good. Two people have to want it: it uses up an approval of `erasure.create`. Entries of the log stay, and
/// every proof of them verifies; the addresses in them can't be shown by anybody any more.
#[utoipa::path(post, path = "/v1/erasures", tag = "audit", security(("bearer" = [])), request_body = NewErasureBody,
    responses((status = 201, body = ErasureView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn erase(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewErasureBody>,
) -> Result<Response, Problem> {
    let command = EraseSubject {
        id: ErasureId::new(caller.now()),
        subject: body.value.subject,
        reason: body.value.reason,
    };
    let answer = once
        .perform(&api, &caller, &body.raw, &command, StatusCode::CREATED, |erasure, _| {
            ErasureView::from(erasure)
        })
        .await?;
    // Told as done when the copy outside the database is safe; asking again with the same key tries that again.
    api.gate
        .keep_tombstones(&*api.tombstones, caller.context().tenant())
        .await?;
    Ok(answer)
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

/// Erasures in the order they were made.
#[utoipa::path(get, path = "/v1/erasures", tag = "audit", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<ErasureView>), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<ErasureView>>, Problem> {
    let limit = page::limit(query.limit)?;
    let command = ListErasures {
        after: page::position(query.cursor.as_deref())?,
        limit: u32::from(limit),
    };
    let erasures = caller.perform(&api, &command).await?;
    Ok(Answer(Page::of(&erasures, limit, |erasure: &Erasure| {
        erasure.id.to_string()
    })))
}
