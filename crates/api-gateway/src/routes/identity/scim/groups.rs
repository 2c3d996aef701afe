//! `/scim/v2/Groups`.
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use keepgate_gate::operations::{
    ChangeScimGroup, CreateScimGroup, DeleteScimGroup, Edit, GetScimGroup, ListScimGroups,
};
use keepgate_kernel::{RequestId, Uuid};
use keepgate_sso::scim::{GroupDraft, PatchRequest};
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

fn id(text: &str) -> Result<Uuid, ScimProblem> {
    text.parse().map_err(|_| ScimProblem::not_found())
}

fn draft(body: &ScimBody) -> Result<GroupDraft, ScimProblem> {
    Ok(GroupDraft::read(&body.0)?)
}

/// Lists the directory's groups: `filter` (`displayName`, `externalId` or `id`, with `eq`), `startIndex`, `count`, `attributes`.
#[utoipa::path(get, path = "/scim/v2/Groups", tag = "scim", security(("bearer" = [])),
    responses((status = 200, content_type = "application/scim+json"), (status = 400, content_type = "application/scim+json")))]
async fn list(
    caller: DirectoryCaller,
    State(api): State<Api>,
    RawQuery(query): RawQuery,
) -> Result<Response, ScimProblem> {
    let asked = Asked::read(query.as_deref())?;
    let ((skip, limit), filter) = (asked.page(), asked.filter()?);
    let directory = caller.directory.clone();
    let command = ListScimGroups {
        directory,
        filter,
        skip,
        limit,
    };
    let found = caller.perform(&api, &command).await?;
    Ok(asked.list(found.total, found.page.iter().map(view::group).collect()))
}

/// Makes a group. Its name is what the provider's mapping knows it by.
#[utoipa::path(post, path = "/scim/v2/Groups", tag = "scim", security(("bearer" = [])),
    responses((status = 201, content_type = "application/scim+json"), (status = 409, content_type = "application/scim+json")))]
async fn create(caller: DirectoryCaller, State(api): State<Api>, body: ScimBody) -> Result<Response, ScimProblem> {
    let command = CreateScimGroup {
        directory: caller.directory.clone(),
        id: RequestId::new(caller.now()).uuid(),
        draft: draft(&body)?,
        at: caller.now(),
    };
    let made = caller.perform(&api, &command).await?;
    Ok(view::one(StatusCode::CREATED, &view::group(&made)))
}

/// One group.
#[utoipa::path(get, path = "/scim/v2/Groups/{id}", tag = "scim", security(("bearer" = [])), params(("id" = String, Path)),
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
            &GetScimGroup {
                directory,
                id: id(&text)?,
            },
        )
        .await?;
    Ok(view::one(StatusCode::OK, &asked.narrow(view::group(&found))))
}

/// Replaces a group. Whoever joins or leaves gets what the mapping says, at once.
#[utoipa::path(put, path = "/scim/v2/Groups/{id}", tag = "scim", security(("bearer" = [])), params(("id" = String, Path)),
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

/// Changes a group here and there (RFC 7644 section 3.5.2), one member at a time if need be.
#[utoipa::path(patch, path = "/scim/v2/Groups/{id}", tag = "scim", security(("bearer" = [])), params(("id" = String, Path)),
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
    change: Edit<GroupDraft>,
) -> Result<Response, ScimProblem> {
    let command = ChangeScimGroup {
        directory: caller.directory.clone(),
        id: id(text)?,
        change,
    };
    let changed = caller.perform(api, &command).await?;
    Ok(view::one(StatusCode::OK, &view::group(&changed)))
}

/// Removes a group. What it stood for is taken from its members at once.
#[utoipa::path(delete, path = "/scim/v2/Groups/{id}", tag = "scim", security(("bearer" = [])), params(("id" = String, Path)),
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
            &DeleteScimGroup {
                directory,
                id: id(&text)?,
            },
        )
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
