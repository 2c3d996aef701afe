//! Providers' webhooks.
use utoipa_axum::router::OpenApiRouter;

use crate::Api;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
}

