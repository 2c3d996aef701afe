//! `GET /v1/stream`: the caller's own messages as server-sent events (WHATWG HTML, section 9.2). At least once, in order, resumable
//! with `Last-Event-ID`.
use std::{future::Future, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64;
use futures_util::Stream;
use keepgate_channels::{
    StreamEvent,
    commands::{MarkStreamed, OpenStream, Opened},
};
use keepgate_identity::{Presented, Sight};
use keepgate_kernel::{RequestId, format_time};
use keepgate_policy::OpContext;
use keepgate_store::StoreError;
use serde::Serialize;
use tokio::{sync::watch, time::Instant};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::contact::place;
use crate::{Api, Caller, Problem, ProblemBody};

/// How often a stream looks by itself: wake-ups may be lost, and a revoked credential must not keep a stream.
const LOOK: Duration = Duration::from_secs(1);
/// How often an idle stream shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const BATCH: u16 = 100;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(stream))
}

/// A message, as the data of an event named `message`. The event's id is its number in the stream.
#[derive(Debug, Serialize, ToSchema)]
struct EventView {
    /// The message.
    #[schema(example = "msg_01jd0000000000000000000000")]
    id: String,
    /// Base64.
    payload: String,
    /// The type of the payload.
    content_type: String,
    /// What SMS and voice would say.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// `low`, `normal`, `high` or `urgent`.
    priority: &'static str,
    /// Whether an acknowledgement is wanted.
    require_ack: bool,
    /// When it was accepted.
    accepted_at: String,
}

/// A message whose content is lost, as the data of an event named `gone`.
#[derive(Debug, Serialize, ToSchema)]
struct GoneView {
    /// The message.
    #[schema(example = "msg_01jd0000000000000000000000")]
    id: String,
    /// `key-destroyed`: the key that it was sealed under.
    reason: &'static str,
}

/// Opens the caller's own stream. A message whose content is lost, because the key it was sealed under was destroyed, is an event named
/// `gone` with `id` and `reason`. Without `Last-Event-ID` it starts with what was never handed over or is still under way.
#[utoipa::path(get, path = "/v1/stream", tag = "messages", security(("bearer" = [])),
    params(("Last-Event-ID" = Option<String>, Header, description = "the last event seen")),
    responses((status = 200, content_type = "text/event-stream", body = EventView), (status = 422, body = ProblemBody)))]
async fn stream(caller: Caller, State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    let last_event = match headers.get("last-event-id") {
        None => None,
        Some(value) => {
            let number = value
                .to_str()
                .ok()
                .and_then(|text| text.trim().parse::<i64>().ok())
                .filter(|number| *number >= 0);
            Some(number.ok_or_else(|| Problem::invalid("Last-Event-ID", "the id of an event of this stream"))?)
        }
    };
    let opened = caller.perform(&api, &OpenStream { last_event }).await?;
    let body = Body::from_stream(events(api, caller, opened));
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], body).into_response())
}

fn events(api: Api, caller: Caller, opened: Opened) -> impl Stream<Item = Result<Bytes, StoreError>> {
    async_stream::try_stream! {
        let context = caller.context().clone();
        let bell = api.hub.listen(context.tenant(), opened.principal);
        let (mut stopping, mut revoked) = (api.stopping.clone(), api.revocations.changes());
        let (mut after, mut shown) = (opened.after, Instant::now());
        yield Bytes::from_static(b": open\n\n");
        'open: while !*stopping.borrow() {
            let rung = bell.notified();
            revoked.borrow_and_update();
            if let Some(last) = cut(&api, caller.presented()) {
                yield Bytes::from_static(last);
                break;
            }
            let looked = unless_cut(&api, &caller, &mut revoked, read(&api, &context, &opened, after)).await;
            let events = match looked {
                Ok(Ok(events)) => events,
                Ok(Err(StoreError::Revoked)) => {
                    yield Bytes::from_static(DEAD);
                    break;
                }
                // The database is away: the stream looks again, until it has been away for too long.
                Ok(Err(_)) => Vec::new(),
                Err(last) => {
                    yield Bytes::from_static(last);
                    break;
                }
            };
            for event in &events {
                let whole = match unless_cut(&api, &caller, &mut revoked, frame(&api, &context, event)).await {
                    Ok(framed) => {
                        let (bytes, whole) = framed?;
                        yield bytes;
                        whole
                    }
                    Err(last) => {
                        yield Bytes::from_static(last);
                        break 'open;
                    }
                };
                // Asked for more: the connection has taken the event.
                after = event.seq;
                shown = Instant::now();
                // What is lost was handed to nobody.
                if !whole {
                    continue;
                }
                let noted = unless_cut(&api, &caller, &mut revoked, handed(&api, &context, &opened, event)).await;
                if let Err(last) = noted {
                    yield Bytes::from_static(last);
                    break 'open;
                }
            }
            if events.is_empty() {
                if shown.elapsed() >= KEEP_ALIVE {
                    shown = Instant::now();
                    yield Bytes::from_static(b": still here\n\n");
                }
                tokio::select! {
                    () = rung => {}
                    () = tokio::time::sleep(LOOK) => {}
                    _ = stopping.changed() => {}
                    _ = revoked.changed() => {}
                }
            }
        }
    }
}

const DEAD: &[u8] = b"event: end\ndata: {\"reason\":\"credential-revoked\"}\n\n";
const BLIND: &[u8] = b"event: end\ndata: {\"reason\":\"revocations-unknown\"}\n\n";

/// What `work` comes to, unless the stream has to be cut before: a database that does not answer must not keep it open.
async fn unless_cut<T>(
    api: &Api,
    caller: &Caller,
    revoked: &mut watch::Receiver<u64>,
    work: impl Future<Output = T>,
) -> Result<T, &'static [u8]> {
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            () = tokio::time::sleep(LOOK) => {}
            Ok(()) = revoked.changed() => {}
        }
        if let Some(last) = cut(api, caller.presented()) {
            return Err(last);
        }
    }
}

/// The last words of a stream whose credential is dead, or of which nobody could say any more.
fn cut(api: &Api, presented: &Presented) -> Option<&'static [u8]> {
    match api.revocations.sight(presented) {
        Sight::Dead => Some(DEAD),
        Sight::Live | Sight::Unknown if api.revocations.is_fresh() => None,
        Sight::Live | Sight::Unknown => Some(BLIND),
    }
}

/// Each look enters the database as the caller, so that a dead credential ends the stream.
async fn read(api: &Api, context: &OpContext, opened: &Opened, after: i64) -> Result<Vec<StreamEvent>, StoreError> {
    api.gate
        .store()
        .begin(context)
        .await?
        .events_after(opened.principal, after, BATCH)
        .await
}

/// The event of a message; `true` when it holds its content.
async fn frame(api: &Api, context: &OpContext, event: &StreamEvent) -> Result<(Bytes, bool), StoreError> {
    match content(api, context, event).await {
        Ok(data) => Ok((told(event, "message", &data), true)),
        Err(StoreError::KeyGone) => {
            let gone = GoneView {
                id: event.message.to_string(),
                reason: "key-destroyed",
            };
            let data = serde_json::to_string(&gone).unwrap_or_default();
            Ok((told(event, "gone", &data), false))
        }
        Err(error) => Err(error),
    }
}

fn told(event: &StreamEvent, name: &str, data: &str) -> Bytes {
    Bytes::from(format!("id: {}\nevent: {name}\ndata: {data}\n\n", event.seq))
}

async fn content(api: &Api, context: &OpContext, event: &StreamEvent) -> Result<String, StoreError> {
    let (tenant, row) = (context.tenant(), event.message.uuid());
    let payload = api
        .gate
        .open(&place(tenant, "payload", row), event.payload.as_bytes())
        .await?;
    let text = match &event.text {
        Some(text) => Some(
            String::from_utf8_lossy(&api.gate.open(&place(tenant, "text", row), text.as_bytes()).await?).into_owned(),
        ),
        None => None,
    };
    let view = EventView {
        id: event.message.to_string(),
        payload: BASE64.encode(&payload),
        content_type: event.content_type.clone(),
        text,
        priority: event.priority.as_str(),
        require_ack: event.require_ack,
        accepted_at: format_time(event.accepted_at),
    };
    Ok(serde_json::to_string(&view).unwrap_or_default())
}

/// Noted by Keepgate's own worker; if that fails the event is handed over again on the next connection.
async fn handed(api: &Api, context: &OpContext, opened: &Opened, event: &StreamEvent) {
    let now = api.gate.clock().now();
    let worker = OpContext::system(context.tenant(), RequestId::new(now), now);
    let command = MarkStreamed {
        principal: opened.principal,
        seq: event.seq,
        attempt: event.attempt,
    };
    if let Err(error) = api.gate.perform(&worker, &command).await {
        tracing::warn!(error = %error, "handing over an event was not noted");
    }
}
