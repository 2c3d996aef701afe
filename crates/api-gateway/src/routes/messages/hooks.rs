//! Providers' callbacks.
use utoipa_axum::router::OpenApiRouter;

use crate::Api;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
}

/// Verifies callbacks.
#[derive(Debug, Default)]
pub struct TwilioHooks {}
