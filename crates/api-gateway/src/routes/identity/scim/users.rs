//! `/scim/v2/Users`.
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use keepgate_gate::operations::{ChangeScimUser, CreateScimUser, DeleteScimUser, Edit, GetScimUser, ListScimUsers};
use keepgate_kernel::{PrincipalId, PrincipalKind};
use keepgate_sso::scim::{InvalidUser, PatchError, PatchRequest, UserDraft};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::view::{self, Asked};
use crate::{
    Api,
    directory::{DirectoryCaller, ScimBody, ScimProblem},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, replace, patch, delete))
}

fn id(text: &str) -> Result<PrincipalId, ScimProblem> {
    text.parse::<PrincipalId>()
        .ok()
        .filter(|id| id.kind() == PrincipalKind::User)
        .ok_or_else(ScimProblem::not_found)
}

fn draft(body: &ScimBody) -> Result<UserDraft, ScimProblem> {
    UserDraft::read(&body.0).map_err(|error: InvalidUser| PatchError::User(error).into())
}

/// Lists the directory's users: `filter` (`userName`, `externalId` or `id`, with `eq`), `startIndex`, `count`, `attributes`.
#[utoipa::path(get, path = "/scim/v2/Users", tag = "scim", security(("bearer" = [])),
    responses((status = 200, content_type = "application/scim+json"), (status = 400, content_type = "application/scim+json")))]
async fn list(
    caller: DirectoryCaller,
    State(api): State<Api>,
    RawQuery(query): RawQuery,
) -> Result<Response, ScimProblem> {
    let asked = Asked::read(query.as_deref())?;
    let ((skip, limit), filter) = (asked.page(), asked.filter()?);
    let directory = caller.directory.clone();
    let command = ListScimUsers {
        directory,
        filter,
        skip,
        limit,
    };
    let found = caller.perform(&api, &command).await?;
    Ok(asked.list(found.total, found.page.iter().map(view::user).collect()))
}

/// Makes a user. `externalId` is also the `sub` under which the identity provider vouches for it.
#[utoipa::path(post, path = "/scim/v2/Users", tag = "scim", security(("bearer" = [])),
    responses((status = 201, content_type = "application/scim+json"), (status = 409, content_type = "application/scim+json")))]
async fn create(caller: DirectoryCaller, State(api): State<Api>, body: ScimBody) -> Result<Response, ScimProblem> {
    let command = CreateScimUser {
        directory: caller.directory.clone(),
        id: PrincipalId::new(PrincipalKind::User, caller.now()),
        draft: draft(&body)?,
    };
    let made = caller.perform(&api, &command).await?;
    Ok(view::one(StatusCode::CREATED, &view::user(&made)))
}

/// One user.
#[utoipa::path(get, path = "/scim/v2/Users/{id}", tag = "scim", security(("bearer" = [])), params(("id" = String, Path)),
    responses((status = 200, content_type = "application/scim+json"), (status = 404, content_type = "application/scim+json")))]
async fn get(
    caller: DirectoryCaller,
    State(api): State<Api>,
    axum::extract::Path(text): axum::extract::Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ScimProblem> {
    let (asked, directory) = (Asked::read(query.as_deref())?, caller.directory.clone());
    let found = caller
        .perform(
            &api,
            &GetScimUser {
                directory,
                id: id(&text)?,
            },
        )
        .await?;
    Ok(view::one(StatusCode::OK, &asked.narrow(view::user(&found))))
}

/// Replaces a user. Without `active` it is active.
#[utoipa::path(put, path = "/scim/v2/Users/{id}", tag = "scim", security(("bearer" = [])), params(("id" = String, Path)),
    responses((status = 200, content_type = "application/scim+json"), (status = 404, content_type = "application/scim+json")))]
async fn replace(
    caller: DirectoryCaller,
    State(api): State<Api>,
    axum::extract::Path(text): axum::extract::Path<String>,
    body: ScimBody,
) -> Result<Response, ScimProblem> {
    let change = Edit::Replace(draft(&body)?);
    changed(&caller, &api, &text, change).await
}

/// Changes a user here and there (RFC 7644 section 3.5.2). Whoever is no longer active has no session and no key any more.
#[utoipa::path(patch, path = "/scim/v2/Users/{id}", tag = "scim", security(("bearer" = [])), params(("id" = String, Path)),
    responses((status = 200, content_type = "application/scim+json"), (status = 404, content_type = "application/scim+json")))]
async fn patch(
    caller: DirectoryCaller,
    State(api): State<Api>,
    axum::extract::Path(text): axum::extract::Path<String>,
    body: ScimBody,
) -> Result<Response, ScimProblem> {
    let change = Edit::Patch(PatchRequest::read(&body.0)?);
    changed(&caller, &api, &text, change).await
}

async fn changed(
    caller: &DirectoryCaller,
    api: &Api,
    text: &str,
    change: Edit<UserDraft>,
) -> Result<Response, ScimProblem> {
    let command = ChangeScimUser {
        directory: caller.directory.clone(),
        id: id(text)?,
        change,
    };
    let changed = caller.perform(api, &command).await?;
    Ok(view::one(StatusCode::OK, &view::user(&changed)))
}

/// Removes a user for good: sessions, API keys and level end at once.
#[utoipa::path(delete, path = "/scim/v2/Users/{id}", tag = "scim", security(("bearer" = [])), params(("id" = String, Path)),
    responses((status = 204), (status = 404, content_type = "application/scim+json")))]
async fn delete(
    caller: DirectoryCaller,
    State(api): State<Api>,
    axum::extract::Path(text): axum::extract::Path<String>,
) -> Result<StatusCode, ScimProblem> {
    let directory = caller.directory.clone();
    caller
        .perform(
            &api,
            &DeleteScimUser {
                directory,
                id: id(&text)?,
            },
        )
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
