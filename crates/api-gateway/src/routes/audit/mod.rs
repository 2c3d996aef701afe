//! The audit log over HTTP.
mod archives;
mod entries;
mod erasures;
mod export;
mod holds;
mod list;
mod log;
mod log_keys;
mod meta;
mod proof;
mod sinks;
mod view;

use utoipa_axum::router::OpenApiRouter;

use crate::Api;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .merge(list::router())
        .merge(entries::router())
        .merge(proof::router())
        .merge(log::router())
        .merge(meta::router())
        .merge(log_keys::router())
        .merge(export::router())
        .merge(erasures::router())
        .merge(holds::router())
        .merge(archives::router())
        .merge(sinks::router())
}
