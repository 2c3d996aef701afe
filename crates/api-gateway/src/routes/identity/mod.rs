//! Log-ins, sessions, users, API keys, tenants.
mod access;
mod api_keys;
mod approvals;
mod auth;
mod data_keys;
mod device_auth;
mod devices;
mod factors;
mod me;
mod mfa;
mod passkeys;
mod password;
mod reset;
mod revocations;
mod scim;
mod services;
mod sessions;
mod signing_keys;
mod sso;
mod sso_link;
mod tenant_policy;
mod tenants;
mod token;
mod units;
mod users;

use axum::http::StatusCode;
use keepgate_identity::{NoRandomness, PrincipalStatus};
use utoipa_axum::router::OpenApiRouter;

use crate::{Api, Problem};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(auth::router())
        .merge(mfa::router())
        .merge(factors::router())
        .merge(passkeys::router())
        .merge(me::router())
        .merge(password::router())
        .merge(reset::router())
        .merge(sessions::router())
        .merge(revocations::router())
        .merge(signing_keys::router())
        .merge(users::router())
        .merge(api_keys::router())
        .merge(access::router())
        .merge(tenants::router())
        .merge(units::router())
        .merge(devices::router())
        .merge(services::router())
        .merge(device_auth::router())
        .merge(approvals::router())
        .merge(data_keys::router())
        .merge(sso::router())
        .merge(sso_link::router())
        .merge(scim::router())
        .merge(tenant_policy::router())
}

/// `active` or `disabled`, as a change of status says it.
fn active(status: Option<&str>) -> Result<Option<bool>, Problem> {
    match status.map(PrincipalStatus::parse) {
        None => Ok(None),
        Some(Some(PrincipalStatus::Active)) => Ok(Some(true)),
        Some(Some(PrincipalStatus::Disabled)) => Ok(Some(false)),
        Some(Some(PrincipalStatus::Deleted) | None) => Err(Problem::invalid("/status", "`active` or `disabled`")),
    }
}

/// Without randomness nothing secret is made.
fn no_randomness(_error: NoRandomness) -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal-error",
        "something went wrong here",
    )
}
