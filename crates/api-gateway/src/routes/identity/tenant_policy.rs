//! The security policy of the caller's tenant.
use axum::{Json as Answer, extract::State};
use keepgate_identity::{MfaLevel, ReadTenantPolicy, UpdateTenantPolicy};
use keepgate_kernel::Level;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Caller, Problem, ProblemBody, extract::Json};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(read, update))
}

/// What the tenant demands of its people.
#[derive(Debug, Serialize, ToSchema)]
struct PolicyView {
    /// From which level a second factor is required; levels 6 and 7 always need one.
    #[schema(example = 4)]
    mfa_level: u8,
}

impl From<MfaLevel> for PolicyView {
    fn from(level: MfaLevel) -> Self {
        Self {
            mfa_level: level.number(),
        }
    }
}

/// A change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PolicyChange {
    /// 1 to 7.
    #[schema(value_type = Option<u8>, example = 2)]
    mfa_level: Option<Level>,
}

/// The tenant's security policy.
#[utoipa::path(get, path = "/v1/tenant/policy", tag = "identity", security(("bearer" = [])),
    responses((status = 200, body = PolicyView), (status = 403, body = ProblemBody)))]
async fn read(caller: Caller, State(api): State<Api>) -> Result<Answer<PolicyView>, Problem> {
    Ok(Answer(caller.perform(&api, &ReadTenantPolicy).await?.into()))
}

/// Changes the tenant's security policy. It counts from the next log-in or step-up of each user.
#[utoipa::path(patch, path = "/v1/tenant/policy", tag = "identity", security(("bearer" = [])), request_body = PolicyChange,
    responses((status = 200, body = PolicyView), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn update(
    caller: Caller,
    State(api): State<Api>,
    body: Json<PolicyChange>,
) -> Result<Answer<PolicyView>, Problem> {
    let mfa_level = body.value.mfa_level.map(MfaLevel::from);
    Ok(Answer(
        caller.perform(&api, &UpdateTenantPolicy { mfa_level }).await?.into(),
    ))
}
