//! Routes: which channels, in which order, for how long.
use axum::{Json as Answer, extract::State, http::StatusCode};
use keepgate_channels::{
    RouteVersion, Step,
    commands::{DeleteRoute, GetRoute, ListRoutes, PutRoute},
};
use keepgate_kernel::{RouteId, format_time};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, Path, Query},
    page::{self, Page},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(put, get, delete))
}

/// One step.
#[derive(Debug, Serialize, ToSchema)]
struct StepView {
    /// `internet`, `sms`, `voice` or `email`.
    channel: &'static str,
    /// How long to wait for success before the next step, 0 to 86,400.
    wait_seconds: u32,
    /// How often each contact is tried when a provider refuses, 1 to 5.
    #[schema(default = 1)]
    attempts: u8,
    /// The one provider to use; any of the channel otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
}

/// A route.
#[derive(Debug, Serialize, ToSchema)]
struct RouteView {
    /// This version of it; every change makes a new one.
    id: String,
    /// Its name.
    #[schema(example = "standard")]
    name: String,
    /// The steps, in order.
    steps: Vec<StepView>,
    /// Whether only an acknowledgement ends a message well.
    require_ack: bool,
    /// How long a message lives.
    deadline_seconds: u32,
    /// When it was defined; `null` for the built-in one.
    updated_at: Option<String>,
}

impl From<&RouteVersion> for RouteView {
    fn from(version: &RouteVersion) -> Self {
        let step = |step: &Step| StepView {
            channel: step.channel.as_str(),
            wait_seconds: step.wait_seconds,
            attempts: step.attempts,
            provider: step.provider.clone(),
        };
        Self {
            id: version.id.to_string(),
            name: version.route.name().to_owned(),
            steps: version.route.steps().iter().map(step).collect(),
            require_ack: version.route.require_ack(),
            deadline_seconds: version.route.deadline_seconds(),
            updated_at: version.updated_at.map(format_time),
        }
    }
}

/// A route's definition.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRoute {
    /// 1 to 10 steps, all reachable before the deadline.
    #[schema(value_type = Vec<StepView>)]
    steps: Vec<Step>,
    /// Whether only an acknowledgement ends a message well.
    require_ack: bool,
    /// 1 to 604,800.
    #[schema(example = 3600)]
    deadline_seconds: u32,
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

/// Every route, by name; `standard` exists from birth.
#[utoipa::path(get, path = "/v1/routes", tag = "messages", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<RouteView>), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<RouteView>>, Problem> {
    let limit = page::limit(query.limit)?;
    let after = page::position::<String>(query.cursor.as_deref())?;
    let mut routes = caller.perform(&api, &ListRoutes).await?;
    routes.retain(|version| after.as_deref().is_none_or(|after| version.route.name() > after));
    routes.truncate(usize::from(limit));
    Ok(Answer(Page::of(&routes, limit, |version| {
        version.route.name().to_owned()
    })))
}

/// Defines a route, or a new version of it. Messages under way keep the version they were accepted with.
#[utoipa::path(put, path = "/v1/routes/{name}", tag = "messages", security(("bearer" = [])), request_body = NewRoute,
    params(("name" = String, Path, description = "a-z, 0-9 and `-`, at most 63")),
    responses((status = 200, body = RouteView), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn put(
    caller: Caller,
    State(api): State<Api>,
    Path(name): Path<String>,
    body: Json<NewRoute>,
) -> Result<Answer<RouteView>, Problem> {
    let NewRoute {
        steps,
        require_ack,
        deadline_seconds,
    } = body.value;
    let command = PutRoute {
        id: RouteId::new(caller.now()),
        name,
        steps,
        require_ack,
        deadline_seconds,
    };
    Ok(Answer(RouteView::from(&caller.perform(&api, &command).await?)))
}

/// The route in force under a name.
#[utoipa::path(get, path = "/v1/routes/{name}", tag = "messages", security(("bearer" = [])),
    params(("name" = String, Path, description = "its name")),
    responses((status = 200, body = RouteView), (status = 404, body = ProblemBody)))]
async fn get(caller: Caller, State(api): State<Api>, Path(name): Path<String>) -> Result<Answer<RouteView>, Problem> {
    Ok(Answer(RouteView::from(
        &caller.perform(&api, &GetRoute { name }).await?,
    )))
}

/// Removes a route. An overridden `standard` becomes the built-in one again.
#[utoipa::path(delete, path = "/v1/routes/{name}", tag = "messages", security(("bearer" = [])),
    params(("name" = String, Path, description = "its name")),
    responses((status = 204), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn delete(caller: Caller, State(api): State<Api>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    caller.perform(&api, &DeleteRoute { name }).await?;
    Ok(StatusCode::NO_CONTENT)
}
