//! Services of the caller's tenant: what API keys act as.
use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_gate::operations::{CreateService, DeleteService, GetService, ListServices, UpdateService};
use keepgate_identity::PrincipalRecord;
use keepgate_kernel::{Level, PrincipalId, PrincipalKind, UnitId, format_time};
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
        .routes(routes!(get, update, delete))
}

/// A service.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceView {
    /// Its id.
    #[schema(example = "svc_01jd0000000000000000000000")]
    id: String,
    /// What people call it.
    name: Option<String>,
    /// `active` or `disabled`.
    status: &'static str,
    /// Its level, 1 to 4: a ceiling, for a key is also bounded by its owner.
    level: Option<u8>,
    /// The level's name.
    level_name: Option<&'static str>,
    /// Its unit, for levels 1 to 3.
    unit: Option<String>,
    /// When it was made.
    created_at: String,
}

impl From<&PrincipalRecord> for ServiceView {
    fn from(service: &PrincipalRecord) -> Self {
        Self {
            id: service.id.to_string(),
            name: service.display_name.clone(),
            status: service.status.as_str(),
            level: service.level.map(Level::number),
            level_name: service.level.map(Level::name),
            unit: service.unit.map(|unit| unit.to_string()),
            created_at: format_time(service.created_at),
        }
    }
}

/// A new service.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewServiceBody {
    /// 1 to 200 characters.
    #[schema(example = "billing")]
    name: String,
    /// Below the caller's own.
    #[schema(value_type = u8, example = 2)]
    level: Level,
    /// For levels 1 to 3; the tenant's first unit if absent.
    #[schema(value_type = Option<String>)]
    unit: Option<UnitId>,
}

/// A change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ServiceChangeBody {
    /// The new name.
    name: Option<String>,
    /// The new level, below the caller's own.
    #[schema(value_type = Option<u8>)]
    level: Option<Level>,
    /// The new unit.
    #[schema(value_type = Option<String>)]
    unit: Option<UnitId>,
    /// `active` or `disabled`.
    status: Option<String>,
}

/// Makes a service. Keys for it: `POST /v1/api-keys` with `service`.
#[utoipa::path(post, path = "/v1/services", tag = "identity", security(("bearer" = [])), request_body = NewServiceBody,
    responses((status = 201, body = ServiceView), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn create(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewServiceBody>,
) -> Result<Response, Problem> {
    let NewServiceBody { name, level, unit } = body.value;
    let command = CreateService {
        id: PrincipalId::new(PrincipalKind::Service, caller.now()),
        name,
        level,
        unit,
    };
    once.perform(&api, &caller, &body.raw, &command, StatusCode::CREATED, |service, _| {
        ServiceView::from(service)
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

/// Services in the order they were made; deleted ones are left out.
#[utoipa::path(get, path = "/v1/services", tag = "identity", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<ServiceView>), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<ServiceView>>, Problem> {
    let limit = page::limit(query.limit)?;
    let command = ListServices {
        after: page::position(query.cursor.as_deref())?,
        limit: u32::from(limit),
    };
    let services = caller.perform(&api, &command).await?;
    Ok(Answer(Page::of(&services, limit, |service| service.id.to_string())))
}

/// One service.
#[utoipa::path(get, path = "/v1/services/{service}", tag = "identity", security(("bearer" = [])),
    params(("service" = String, Path, description = "its id")),
    responses((status = 200, body = ServiceView), (status = 404, body = ProblemBody)))]
async fn get(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<PrincipalId>,
) -> Result<Answer<ServiceView>, Problem> {
    Ok(Answer(ServiceView::from(
        &caller.perform(&api, &GetService { id }).await?,
    )))
}

/// Changes name, level, unit or status. A disabled service's keys open nothing until it is active again.
#[utoipa::path(patch, path = "/v1/services/{service}", tag = "identity", security(("bearer" = [])), request_body = ServiceChangeBody,
    params(("service" = String, Path, description = "its id")),
    responses((status = 200, body = ServiceView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn update(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<PrincipalId>,
    body: Json<ServiceChangeBody>,
) -> Result<Answer<ServiceView>, Problem> {
    let ServiceChangeBody {
        name,
        level,
        unit,
        status,
    } = body.value;
    let command = UpdateService {
        id,
        name,
        level,
        unit,
        active: super::active(status.as_deref())?,
    };
    let service = caller.perform(&api, &command).await?;
    api.authenticator.forget_keys_of(id);
    Ok(Answer(ServiceView::from(&service)))
}

/// Deletes a service for good: every key that acts as it ends.
#[utoipa::path(delete, path = "/v1/services/{service}", tag = "identity", security(("bearer" = [])),
    params(("service" = String, Path, description = "its id")),
    responses((status = 204), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn delete(caller: Caller, State(api): State<Api>, Path(id): Path<PrincipalId>) -> Result<StatusCode, Problem> {
    caller.perform(&api, &DeleteService { id }).await?;
    api.authenticator.forget_keys_of(id);
    Ok(StatusCode::NO_CONTENT)
}
