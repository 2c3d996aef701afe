//! Log-ins, sessions, users, API keys, tenants.
mod tenants;

use utoipa_axum::router::OpenApiRouter;

use crate::Api;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().merge(tenants::router())
}
