//! The tenant's data keys: their states, never the keys.
use axum::{Json as Answer, extract::State};
use keepgate_crypto_keys::{KeyState, ListKeys};
use keepgate_gate::operations::DestroyKey;
use keepgate_kernel::format_time;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Caller, Problem, ProblemBody, extract::Path, page::Page};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(destroy))
}

/// A data key.
#[derive(Debug, Serialize, ToSchema)]
struct KeyView {
    /// Its number within the tenant, from 1.
    #[schema(example = 1)]
    version: i32,
    /// `active`, or `pending-destruction`: nothing more is sealed under it.
    #[schema(example = "active")]
    state: &'static str,
    /// When it was made.
    created_at: String,
    /// From when on it may be destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    destroy_after: Option<String>,
}

impl From<&KeyState> for KeyView {
    fn from(key: &KeyState) -> Self {
        Self {
            version: key.version,
            state: key.destroy_after.map_or("active", |_| "pending-destruction"),
            created_at: format_time(key.created_at),
            destroy_after: key.destroy_after.map(format_time),
        }
    }
}

/// The tenant's data keys, oldest first. There are few, so they come in one page.
#[utoipa::path(get, path = "/v1/keys", tag = "identity", security(("bearer" = [])),
    responses((status = 200, body = Page<KeyView>), (status = 403, body = ProblemBody)))]
async fn list(caller: Caller, State(api): State<Api>) -> Result<Answer<Page<KeyView>>, Problem> {
    let keys = caller.perform(&api, &ListKeys).await?;
    Ok(Answer(Page {
        items: keys.iter().map(KeyView::from).collect(),
        next_cursor: None,
    }))
}

/// Marks a data key for destruction in seven days. Two people have to want it: it uses up an approval of `key.destroy`.
#[utoipa::path(delete, path = "/v1/keys/{version}", tag = "identity", security(("bearer" = [])),
    params(("version" = i32, Path, description = "its number")),
    responses((status = 200, body = KeyView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn destroy(caller: Caller, State(api): State<Api>, Path(version): Path<i32>) -> Result<Answer<KeyView>, Problem> {
    let key = caller.perform(&api, &DestroyKey { version }).await?;
    api.gate.reload_keys(caller.context().tenant());
    Ok(Answer(KeyView::from(&key)))
}
