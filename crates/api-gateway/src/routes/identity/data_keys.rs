//! The tenant's data keys: their states, never the keys.
use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_crypto_keys::{KeepDataKey, KeyState, ListKeys, RotateDataKey};
use keepgate_gate::operations::DestroyKey;
use keepgate_kernel::{Entity, format_time};
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
struct DataKeyView {
    /// Its number within the tenant, from 1.
    #[schema(example = 1)]
    version: i32,
    /// `sealing`: it is the newest, and seals; `opening`: it opens what is still sealed under it, which is sealed anew under the newest;
    /// `deactivated`: nothing is sealed under it any more; `pending-destruction`: it opens, and what is under it is not sealed anew;
    /// `destroyed`: what was sealed under it is lost.
    #[schema(example = "sealing")]
    state: &'static str,
    /// How many values are sealed under it: as last counted, less those sealed anew since. Absent for the newest, and before the first count.
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<u64>,
    /// How many of them can't be opened, because they were damaged. They keep the key from being deactivated.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<u64>,
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

impl From<&KeyState> for DataKeyView {
    fn from(key: &KeyState) -> Self {
        Self {
            version: key.version,
            state: match (key.destroyed_at, key.destroy_after) {
                (Some(_), _) => "destroyed",
                (None, Some(_)) => "pending-destruction",
                (None, None) if key.seals => "sealing",
                (None, None) if key.clean => "deactivated",
                (None, None) => "opening",
            },
            remaining: key.remaining,
            unreadable: (key.unreadable > 0).then_some(key.unreadable),
            created_at: format_time(key.created_at),
            destroy_after: key.destroy_after.map(format_time),
            destroyed_at: key.destroyed_at.map(format_time),
        }
    }
}

/// The tenant's data keys, oldest first. There are few, so they come in one page.
#[utoipa::path(get, path = "/v1/keys", tag = "identity", security(("bearer" = [])),
    responses((status = 200, body = Page<DataKeyView>), (status = 403, body = ProblemBody)))]
async fn list(caller: Caller, State(api): State<Api>) -> Result<Answer<Page<DataKeyView>>, Problem> {
    let keys = caller.perform(&api, &ListKeys).await?;
    Ok(Answer(Page {
        items: keys.iter().map(DataKeyView::from).collect(),
        next_cursor: None,
    }))
}

/// Makes the next version of the tenant's data key. It seals from now on, on every instance within ten seconds; older versions go on
/// opening what they sealed, until it is sealed anew under the new one, which happens by and by.
#[utoipa::path(post, path = "/v1/keys:rotate", tag = "identity", security(("bearer" = [])), request_body = NextKey,
    responses((status = 201, body = DataKeyView), (status = 403, body = ProblemBody),
        (status = 409, body = ProblemBody, description = "somebody else rotated it meanwhile")))]
async fn rotate(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NextKey>,
) -> Result<Response, Problem> {
    caller
        .admitted::<RotateDataKey>(&api, &Entity::collection("keys"))
        .await?;
    let tenant = caller.context().tenant();
    let command = RotateDataKey {
        next: api.gate.new_data_key(tenant).await?,
    };
    let done = once
        .perform(&api, &caller, &body.raw, &command, StatusCode::CREATED, |key, _| {
            DataKeyView::from(key)
        })
        .await;
    api.gate.reload_keys();
    done
}

/// Takes back the end of a data key that was marked for destruction, before it is destroyed: what it sealed goes on opening, and the
/// newest key goes on sealing.
#[utoipa::path(post, path = "/v1/keys/{version}/keep", tag = "identity", security(("bearer" = [])),
    params(("version" = i32, Path, description = "its number")),
    responses((status = 200, body = DataKeyView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn keep(
    caller: Caller,
    State(api): State<Api>,
    Path(version): Path<i32>,
) -> Result<Answer<DataKeyView>, Problem> {
    let key = caller.perform(&api, &KeepDataKey { version }).await?;
    api.gate.reload_keys();
    Ok(Answer(DataKeyView::from(&key)))
}

/// Marks a data key for destruction in seven days, after which what it sealed is lost, and not before. Two people have to want it: it uses
/// up an approval of `key.destroy`.
#[utoipa::path(delete, path = "/v1/keys/{version}", tag = "identity", security(("bearer" = [])),
    params(("version" = i32, Path, description = "its number")),
    responses((status = 200, body = DataKeyView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn destroy(
    caller: Caller,
    State(api): State<Api>,
    Path(version): Path<i32>,
) -> Result<Answer<DataKeyView>, Problem> {
    let key = caller.perform(&api, &DestroyKey { version }).await?;
    api.gate.reload_keys();
    Ok(Answer(DataKeyView::from(&key)))
}
