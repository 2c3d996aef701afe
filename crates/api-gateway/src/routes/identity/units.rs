//! Units of the caller's tenant.
use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_kernel::UnitId;
use keepgate_rbac::{CreateUnit, DeleteUnit, GetUnit, ListUnits, RenameUnit, Unit};
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
        .routes(routes!(create, list))
        .routes(routes!(get, rename, delete))
}

/// A unit: a site, a region, a team.
#[derive(Debug, Serialize, ToSchema)]
struct UnitView {
    /// Its id.
    #[schema(example = "unt_01jd0000000000000000000000")]
    id: String,
    /// Its name.
    #[schema(example = "north")]
    name: String,
}

impl From<&Unit> for UnitView {
    fn from(unit: &Unit) -> Self {
        Self {
            id: unit.id.to_string(),
            name: unit.name.clone(),
        }
    }
}

/// A unit's name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UnitName {
    /// 1 to 200 characters, unique within the tenant.
    #[schema(example = "north")]
    name: String,
}

/// Creates a unit.
#[utoipa::path(post, path = "/v1/units", tag = "identity", security(("bearer" = [])), request_body = UnitName,
    responses((status = 201, body = UnitView), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn create(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<UnitName>,
) -> Result<Response, Problem> {
    let command = CreateUnit {
        id: UnitId::new(caller.now()),
        name: body.value.name,
    };
    once.perform(&api, &caller, &body.raw, &command, StatusCode::CREATED, |unit, _| {
        UnitView::from(unit)
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

/// Units of the tenant; levels 1 to 3 see their own.
#[utoipa::path(get, path = "/v1/units", tag = "identity", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<UnitView>), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<UnitView>>, Problem> {
    let limit = page::limit(query.limit)?;
    let command = ListUnits {
        after: page::position(query.cursor.as_deref())?,
        limit: u32::from(limit),
    };
    let units = caller.perform(&api, &command).await?;
    Ok(Answer(Page::of(&units, limit, |unit| unit.id.to_string())))
}

/// One unit.
#[utoipa::path(get, path = "/v1/units/{unit}", tag = "identity", security(("bearer" = [])),
    params(("unit" = String, Path, description = "its id")),
    responses((status = 200, body = UnitView), (status = 404, body = ProblemBody)))]
async fn get(caller: Caller, State(api): State<Api>, Path(id): Path<UnitId>) -> Result<Answer<UnitView>, Problem> {
    Ok(Answer(UnitView::from(&caller.perform(&api, &GetUnit { id }).await?)))
}

/// Renames a unit.
#[utoipa::path(patch, path = "/v1/units/{unit}", tag = "identity", security(("bearer" = [])), request_body = UnitName,
    params(("unit" = String, Path, description = "its id")),
    responses((status = 200, body = UnitView), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn rename(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<UnitId>,
    body: Json<UnitName>,
) -> Result<Answer<UnitView>, Problem> {
    let command = RenameUnit {
        id,
        name: body.value.name,
    };
    Ok(Answer(UnitView::from(&caller.perform(&api, &command).await?)))
}

/// Takes an empty unit away. Whoever is in it has to be moved or deleted first.
#[utoipa::path(delete, path = "/v1/units/{unit}", tag = "identity", security(("bearer" = [])),
    params(("unit" = String, Path, description = "its id")),
    responses((status = 204), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody, description = "`unit-not-empty`")))]
async fn delete(caller: Caller, State(api): State<Api>, Path(id): Path<UnitId>) -> Result<StatusCode, Problem> {
    caller.perform(&api, &DeleteUnit { id }).await?;
    Ok(StatusCode::NO_CONTENT)
}
