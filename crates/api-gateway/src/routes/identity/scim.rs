//! SCIM 2.0 (RFC 7643, RFC 7644) under `/scim/v2`, and the tokens that directories come with.
mod discovery;
mod groups;
mod tokens;
mod users;
mod view;

use utoipa_axum::router::OpenApiRouter;

use crate::Api;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(tokens::router())
        .merge(discovery::router())
        .merge(users::router())
        .merge(groups::router())
}
