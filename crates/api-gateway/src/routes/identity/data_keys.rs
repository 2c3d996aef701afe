//! The tenant's data keys: their states, never the keys.
use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_crypto_keys::{KeepDataKey, KeyState, ListKeys, RotateDataKey};
use keepgate_gate::operations::DestroyKey;
use keepgate_kernel::format_time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, Path},
    once::Idempotency,
    page::Page,
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(rotate))
        .routes(routes!(destroy))
        .routes(routes!(keep))
}

/// A data key.
#[derive(Debug, Serialize, ToSchema)]
struct KeyView {
    /// Its number within the tenant, from 1.
    #[schema(example = 1)]
    version: i32,
    /// `active`: it opens what was sealed under it, and the newest of these seals; `pending-destruction`: it opens, and seals no more;
    /// `destroyed`: what was sealed under it is lost.
    #[schema(example = "active")]
    state: &'static str,
    /// When it was made.
    created_at: String,
    /// From when on it may be destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    destroy_after: Option<String>,
    /// When it was destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    destroyed_at: Option<String>,
}

/// Nothing to say.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NextKey {}

impl From<&KeyState> for KeyView {
    fn from(key: &KeyState) -> Self {
        Self {
            version: key.version,
            state: match (key.destroyed_at, key.destroy_after) {
                (Some(_), _) => "destroyed",
                (None, Some(_)) => "pending-destruction",
                (None, None) => "active",
            },
            created_at: format_time(key.created_at),
            destroy_after: key.destroy_after.map(format_time),
            destroyed_at: key.destroyed_at.map(format_time),
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

/// Makes the next version of the tenant's data key. It seals from now on, on every instance within ten seconds; older versions go on
/// opening what they sealed.
#[utoipa::path(post, path = "/v1/keys:rotate", tag = "identity", security(("bearer" = [])), request_body = NextKey,
    responses((status = 201, body = KeyView), (status = 403, body = ProblemBody),
        (status = 409, body = ProblemBody, description = "somebody else rotated it meanwhile")))]
async fn rotate(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NextKey>,
) -> Result<Response, Problem> {
    let tenant = caller.context().tenant();
    let command = RotateDataKey {
        next: api.gate.new_data_key(tenant).await?,
    };
    let done = once
        .perform(&api, &caller, &body.raw, &command, StatusCode::CREATED, |key, _| {
            KeyView::from(key)
        })
        .await;
    api.gate.reload_keys();
    done
}

/// Takes back the end of a data key that was marked for destruction, before it is destroyed: what it sealed goes on opening, and the
/// newest key goes on sealing.
#[utoipa::path(post, path = "/v1/keys/{version}/keep", tag = "identity", security(("bearer" = [])),
    params(("version" = i32, Path, description = "its number")),
    responses((status = 200, body = KeyView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn keep(caller: Caller, State(api): State<Api>, Path(version): Path<i32>) -> Result<Answer<KeyView>, Problem> {
    let key = caller.perform(&api, &KeepDataKey { version }).await?;
    api.gate.reload_keys();
    Ok(Answer(KeyView::from(&key)))
}

/// Marks a data key for destruction in seven days, after which what it sealed is lost, and not before. Two people have to want it: it uses
/// up an approval of `key.destroy`.
#[utoipa::path(delete, path = "/v1/keys/{version}", tag = "identity", security(("bearer" = [])),
    params(("version" = i32, Path, description = "its number")),
    responses((status = 200, body = KeyView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn destroy(caller: Caller, State(api): State<Api>, Path(version): Path<i32>) -> Result<Answer<KeyView>, Problem> {
    let key = caller.perform(&api, &DestroyKey { version }).await?;
    api.gate.reload_keys();
    Ok(Answer(KeyView::from(&key)))
}
