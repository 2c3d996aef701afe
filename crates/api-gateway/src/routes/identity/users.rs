//! Users of the caller's tenant.
use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_gate::operations::{CreateUser, DeleteUser, GetUser, ListUsers, UpdateUser, UserCreated};
use keepgate_identity::{Email, PrincipalRecord};
use keepgate_kernel::{Hat, Level, PrincipalId, TenantId, UnitId, format_time};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, Path, Query, nullable},
    once::Idempotency,
    page::{self, Page},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, update, delete))
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
struct UserView {
    /// Its id.
    #[schema(example = "usr_01jd0000000000000000000000")]
    id: String,
    /// The address it logs in with; absent once deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    /// `active`, `disabled` or `deleted`.
    status: &'static str,
    /// Its level, 1 to 7; `null` when it has been taken away.
    level: Option<u8>,
    /// The level's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    level_name: Option<&'static str>,
    /// Its unit, for levels 1 to 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    /// The hat it wears: `auditor`, `billing` or `privacy_officer`. It leaves a fixed set of reads and nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    hat: Option<&'static str>,
    /// When it was made.
    created_at: String,
}

impl From<&PrincipalRecord> for UserView {
    fn from(user: &PrincipalRecord) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            display_name: user.display_name.clone(),
            status: user.status.as_str(),
            level: user.level.map(Level::number),
            level_name: user.level.map(Level::name),
            unit: user.unit.map(|unit| unit.to_string()),
            hat: user.hat.map(Hat::as_str),
            created_at: format_time(user.created_at),
        }
    }
}

/// A new user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUser {
    /// The address to log in with.
    #[schema(example = "ann@example.org")]
    email: String,
    /// 1 to 200 characters.
    display_name: Option<String>,
    /// 1 to 7, below the caller's own; 7 by two of its kind, with an approval of `role.grant_global`.
    #[schema(value_type = u8, example = 2)]
    level: Level,
    /// For levels 1 to 3; the tenant's first unit if absent.
    #[schema(value_type = Option<String>)]
    unit: Option<UnitId>,
    /// `auditor`, `billing` or `privacy_officer`: takes every write away and most reads.
    #[schema(value_type = Option<String>)]
    hat: Option<Hat>,
    /// Level 7 only: appoints an owner (level 5) of this tenant.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
}

/// A one-time code.
#[derive(Debug, Serialize, ToSchema)]
struct EnrolmentView {
    /// For `POST /v1/auth/enrol`; shown this once.
    code: String,
    /// Until when it is good.
    expires_at: String,
}

/// A new user, and the code it enters with.
#[derive(Debug, Serialize, ToSchema)]
struct CreatedView {
    /// The user.
    #[schema(example = "usr_01jd0000000000000000000000")]
    id: String,
    /// The code.
    enrolment: EnrolmentView,
}

impl From<&UserCreated> for CreatedView {
    fn from(created: &UserCreated) -> Self {
        let enrolment = EnrolmentView {
            code: created.code.expose().to_owned(),
            expires_at: format_time(created.expires_at),
        };
        Self {
            id: created.id.to_string(),
            enrolment,
        }
    }
}

/// A change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserChange {
    /// The new level, below the caller's own; 7 by two of its kind, with an approval of `role.grant_global`.
    #[schema(value_type = Option<u8>)]
    level: Option<Level>,
    /// The new unit.
    #[schema(value_type = Option<String>)]
    unit: Option<UnitId>,
    /// The new hat; `null` takes it off. Either ends the user's sessions.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    hat: Option<Option<Hat>>,
    /// `active` or `disabled`.
    status: Option<String>,
}

/// Creates a user, who enters with a one-time code within 24 hours.
#[utoipa::path(post, path = "/v1/users", tag = "identity", security(("bearer" = [])), request_body = NewUser,
    responses((status = 201, body = CreatedView), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn create(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewUser>,
) -> Result<Response, Problem> {
    let NewUser {
        email,
        display_name,
        level,
        unit,
        hat,
        tenant,
    } = body.value;
    let email: Email = email
        .parse()
        .map_err(|_| Problem::invalid("/email", "not an e-mail address"))?;
    let made = CreateUser::new(email, level, caller.now()).map_err(super::no_randomness)?;
    let command = CreateUser {
        display_name,
        unit,
        hat,
        tenant,
        ..made
    };
    once.perform(&api, &caller, &body.raw, &command, StatusCode::CREATED, |created, _| {
        CreatedView::from(created)
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

/// Users of the tenant in the order they were made; deleted ones are left out.
#[utoipa::path(get, path = "/v1/users", tag = "identity", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<UserView>), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<UserView>>, Problem> {
    let limit = page::limit(query.limit)?;
    let after = page::position(query.cursor.as_deref())?;
    let users = caller
        .perform(
            &api,
            &ListUsers {
                after,
                limit: u32::from(limit),
            },
        )
        .await?;
    Ok(Answer(Page::of(&users, limit, |user| user.id.to_string())))
}

/// One user.
#[utoipa::path(get, path = "/v1/users/{user}", tag = "identity", security(("bearer" = [])),
    params(("user" = String, Path, description = "its id")),
    responses((status = 200, body = UserView), (status = 404, body = ProblemBody)))]
async fn get(caller: Caller, State(api): State<Api>, Path(id): Path<PrincipalId>) -> Result<Answer<UserView>, Problem> {
    Ok(Answer(UserView::from(&caller.perform(&api, &GetUser { id }).await?)))
}

/// Changes level, unit, hat or status. Disabling ends every session and every API key the user owns.
#[utoipa::path(patch, path = "/v1/users/{user}", tag = "identity", security(("bearer" = [])), request_body = UserChange,
    params(("user" = String, Path, description = "its id")),
    responses((status = 200, body = UserView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn update(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<PrincipalId>,
    body: Json<UserChange>,
) -> Result<Answer<UserView>, Problem> {
    let command = UpdateUser {
        id,
        level: body.value.level,
        unit: body.value.unit,
        hat: body.value.hat,
        active: super::active(body.value.status.as_deref())?,
    };
    let user = caller.perform(&api, &command).await?;
    api.authenticator.forget_keys_of(id);
    Ok(Answer(UserView::from(&user)))
}

/// Deletes a user for good: sessions and keys end, the address is free again.
#[utoipa::path(delete, path = "/v1/users/{user}", tag = "identity", security(("bearer" = [])),
    params(("user" = String, Path, description = "its id")),
    responses((status = 204), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn delete(caller: Caller, State(api): State<Api>, Path(id): Path<PrincipalId>) -> Result<StatusCode, Problem> {
    caller.perform(&api, &DeleteUser { id }).await?;
    api.authenticator.forget_keys_of(id);
    Ok(StatusCode::NO_CONTENT)
}
