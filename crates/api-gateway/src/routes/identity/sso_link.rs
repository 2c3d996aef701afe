//! Linking an account of an identity provider to oneself.
use axum::{Json as Answer, extract::State, response::Response};
use keepgate_gate::{Failure, operations::StartLinkError};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::sso::{bound, unavailable, with_cookie};
use crate::{Api, Caller, Problem, ProblemBody, extract::Path};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(link))
}

/// Where to go.
#[derive(Serialize, ToSchema)]
struct LinkView {
    /// The provider's authorisation endpoint: to be visited by the browser that got the cookie.
    location: String,
}

/// Begins to link an account of an identity provider to oneself. Visit `location` in the browser that keeps the answer's cookie; the
/// provider sends it back to the callback, which links the account and tells the person by mail. From then on one can log in through the
/// provider, and its groups say the level at each such log-in. For levels 1 to 4; one account for each person, one person for each
/// account.
#[utoipa::path(post, path = "/v1/me/sso/{provider}/link", tag = "identity", security(("bearer" = [])), params(("provider" = String, Path)),
    responses((status = 200, body = LinkView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 503, body = ProblemBody)))]
async fn link(caller: Caller, State(api): State<Api>, Path(name): Path<String>) -> Result<Response, Problem> {
    caller.entered();
    let started = api.sso.start_link(&api.gate, caller.context(), &name).await;
    let started = started.map_err(|failure| match failure {
        Failure::Command(StartLinkError::Unavailable) => unavailable(),
        other => other.into(),
    })?;
    let view = LinkView {
        location: started.location.as_str().to_owned(),
    };
    Ok(with_cookie(Answer(view), &bound(&started.ticket)))
}
