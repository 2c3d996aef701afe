//! `POST /v1/api-keys:report-leak`: for whoever finds a key where it should not be.
use axum::{extract::State, http::StatusCode};
use keepgate_gate::Failure;
use keepgate_identity::AuthError;
use keepgate_kernel::{Action, Entity};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Problem, ProblemBody, extract::Json, visitor::Visitor};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(report))
}

/// Longer than any key.
const LONGEST: usize = 4096;

/// What was found.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Found {
    /// The whole key.
    #[schema(example = "kgl_000000000000_EXAMPLE000000000000000000000000000000000000000000000001MTKiH")]
    key: String,
}

/// Reports a key that was found in public. A key of this service is revoked at once; whatever else it is, the answer is the same.
/// Its owner is told by mail. Needs no credential, because who can report a key could use it; 30 reports a minute from one address.
#[utoipa::path(post, path = "/v1/api-keys:report-leak", tag = "identity", request_body = Found,
    responses((status = 202, description = "seen to, whatever it was"), (status = 422, body = ProblemBody), (status = 429, body = ProblemBody)))]
async fn report(visitor: Visitor, State(api): State<Api>, body: Json<Found>) -> Result<StatusCode, Problem> {
    let seen = visitor.identity();
    if body.value.key.len() > LONGEST {
        return Err(Problem::invalid("/key", "at most 4096 characters"));
    }
    visitor.reports(&api)?;
    visitor.entered();
    // Checksum and mark come first: only texts that this service once made cost more than a microsecond.
    match api.authenticator.leaked(&body.value.key, seen.id, seen.at).await {
        Ok((tenant, command)) => {
            match api
                .front_gate
                .perform_for(&visitor.worker(tenant), None, &command)
                .await
            {
                Ok(_) => api.authenticator.forget(command.id),
                // It was revoked before; the entry says so, the answer does not.
                Err(Failure::Command(_)) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(AuthError::Store(error)) => return Err(error.into()),
        Err(AuthError::Busy) => {
            return Err(Problem::unavailable(
                "busy",
                "too many credentials are being verified; try again",
            ));
        }
        Err(error) => {
            let entity = Entity::collection("api-keys");
            let context = visitor.worker(api.platform);
            let told = api
                .front_gate
                .refuse(&context, Action::ApiKeyLeak, &entity, error.reason());
            told.await
                .map_err(|_| Problem::unavailable("audit-unavailable", "the audit log can't be written"))?;
        }
    }
    Ok(StatusCode::ACCEPTED)
}
