//! Tenants, for platform levels.
use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_gate::operations::BreakGlass;
use keepgate_kernel::{PrincipalId, TenantId, format_time};
use keepgate_rbac::{CreateTenant, GetTenant, ListTenants, Tenant, TenantStatus, UpdateTenant};
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
        .routes(routes!(get, update))
        .routes(routes!(break_glass))
}

/// A tenant.
#[derive(Debug, Serialize, ToSchema)]
struct TenantView {
    /// Its id.
    #[schema(value_type = String, example = "ten_01jd0000000000000000000000")]
    id: TenantId,
    /// Its name.
    #[schema(example = "Acme")]
    name: String,
    /// `active` or `suspended`.
    #[schema(example = "active")]
    status: &'static str,
    /// When it was created.
    #[schema(example = "2026-01-02T03:04:05.000000Z")]
    created_at: String,
}

impl From<&Tenant> for TenantView {
    fn from(tenant: &Tenant) -> Self {
        let created_at = format_time(tenant.created_at);
        Self {
            id: tenant.id,
            name: tenant.name.clone(),
            status: tenant.status.as_str(),
            created_at,
        }
    }
}

/// A new tenant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    /// 1 to 200 characters.
    #[schema(example = "Acme")]
    name: String,
}

/// A change of a tenant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TenantChange {
    /// `active` or `suspended`.
    #[schema(example = "suspended")]
    status: String,
}

/// Creates a customer tenant with one unit, `main`. Its owner is appointed with `POST /v1/users`.
#[utoipa::path(post, path = "/v1/tenants", tag = "identity", security(("bearer" = [])), request_body = NewTenant,
    responses((status = 201, body = TenantView), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn create(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewTenant>,
) -> Result<Response, Problem> {
    let command = CreateTenant {
        id: TenantId::new(caller.now()),
        name: body.value.name,
    };
    once.perform(&api, &caller, &body.raw, &command, StatusCode::CREATED, |tenant, _| {
        TenantView::from(tenant)
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

/// Tenants in the order of their ids.
#[utoipa::path(get, path = "/v1/tenants", tag = "identity", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<TenantView>), (status = 403, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<TenantView>>, Problem> {
    let limit = page::limit(query.limit)?;
    let after = page::position::<TenantId>(query.cursor.as_deref())?;
    let tenants = caller
        .perform(
            &api,
            &ListTenants {
                after,
                limit: u32::from(limit),
            },
        )
        .await?;
    Ok(Answer(Page::of(&tenants, limit, |tenant| tenant.id.to_string())))
}

/// One tenant.
#[utoipa::path(get, path = "/v1/tenants/{tenant}", tag = "identity", security(("bearer" = [])),
    params(("tenant" = String, Path, description = "its id")),
    responses((status = 200, body = TenantView), (status = 404, body = ProblemBody)))]
async fn get(caller: Caller, State(api): State<Api>, Path(id): Path<TenantId>) -> Result<Answer<TenantView>, Problem> {
    let tenant = caller.perform(&api, &GetTenant { id }).await?;
    Ok(Answer(TenantView::from(&tenant)))
}

/// Suspends or reactivates a tenant. Every credential of a suspended tenant is refused at once.
#[utoipa::path(patch, path = "/v1/tenants/{tenant}", tag = "identity", security(("bearer" = [])), request_body = TenantChange,
    params(("tenant" = String, Path, description = "its id")),
    responses((status = 200, body = TenantView), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn update(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<TenantId>,
    body: Json<TenantChange>,
) -> Result<Answer<TenantView>, Problem> {
    let status = TenantStatus::parse(&body.value.status)
        .ok_or_else(|| Problem::invalid("/status", "`active` or `suspended`"))?;
    let tenant = caller.perform(&api, &UpdateTenant { id, status }).await?;
    Ok(Answer(TenantView::from(&tenant)))
}

/// Whom to let in again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LockedOut {
    /// An owner of the tenant; may be absent where there is one.
    #[schema(value_type = Option<String>)]
    owner: Option<PrincipalId>,
}

/// An owner, and the code it enters again with.
#[derive(Debug, Serialize, ToSchema)]
struct BrokenGlass {
    /// The owner.
    owner: String,
    /// For `POST /v1/auth/enrol`; shown this once. Using it replaces the password and ends every earlier session.
    code: String,
    /// Until when it is good: 24 hours.
    expires_at: String,
}

/// Makes a fresh enrolment code for a locked-out owner. Two global admins have to want it: it uses up an approval of
/// `tenant.break-glass`. The tenant's own log tells it too.
#[utoipa::path(post, path = "/v1/tenants/{tenant}/break-glass", tag = "identity", security(("bearer" = [])), request_body = LockedOut,
    params(("tenant" = String, Path, description = "its id")),
    responses((status = 201, body = BrokenGlass), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn break_glass(
    caller: Caller,
    State(api): State<Api>,
    Path(tenant): Path<TenantId>,
    once: Idempotency,
    body: Json<LockedOut>,
) -> Result<Response, Problem> {
    let command = BreakGlass::new(tenant, body.value.owner, caller.now()).map_err(super::no_randomness)?;
    once.perform(&api, &caller, &body.raw, &command, StatusCode::CREATED, |broken, _| {
        BrokenGlass {
            owner: broken.owner.to_string(),
            code: broken.code.expose().to_owned(),
            expires_at: format_time(broken.expires_at),
        }
    })
    .await
}
