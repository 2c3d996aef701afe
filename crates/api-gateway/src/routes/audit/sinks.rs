//! Sinks: other systems that the log is sent on to.
mod body;
mod view;

use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_audit::operations::sinks::{
    CreateSink, DeleteSink, ListDeadLetters, ListSinks, ReadSink, Replay, ReplaySink, SinkChange, TestSink, UpdateSink,
};
use keepgate_audit::sink::{HttpsAuth, Target};
use keepgate_kernel::SinkId;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{
    body::{NewSink, SinkPatch, SinkReplay, prepare, word},
    view::{DeadLetterView, SinkView, TrialView},
};
use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, Path, Query},
    once::Idempotency,
    page::{self, Page},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(read, update, delete))
        .routes(routes!(test))
        .routes(routes!(replay))
        .routes(routes!(dead_letters))
}

/// Sends the log on to another system from now on, or from an index. What it takes to be let in there is never shown again.
#[utoipa::path(post, path = "/v1/sinks", tag = "audit", security(("bearer" = [])), request_body = NewSink,
    responses((status = 201, body = SinkView), (status = 403, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 410, description = "`pruned`: entries in an archive only, whose name the detail tells", body = ProblemBody),
        (status = 422, body = ProblemBody)))]
async fn create(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewSink>,
) -> Result<Response, Problem> {
    let new = body.value;
    let id = SinkId::new(caller.now());
    let prepared = prepare(&api, &caller, id, new.target).await?;
    let command = CreateSink {
        id,
        config: keepgate_audit::sink::SinkConfig {
            name: new.name,
            format: word(new.format.as_deref())?,
            target: prepared.target,
            batch_size: new.batch_size.unwrap_or(body::BATCH),
            max_delay_seconds: new.max_delay_seconds.unwrap_or(prepared.delay),
        },
        from: new.from_index,
        secret: prepared.sealed,
    };
    let shown = prepared.shown;
    let keys = keys(&api, &caller, is_signed(&command.config.target)).await?;
    once.perform(&api, &caller, &body.raw, &command, StatusCode::CREATED, |made, _| {
        SinkView::new(made).with_keys(&keys).with_secret(shown.as_ref())
    })
    .await
}

/// The keys that sign batches, where there are signed ones.
async fn keys(api: &Api, caller: &Caller, signed: bool) -> Result<Vec<String>, Problem> {
    if signed {
        api.public_keys(caller).await
    } else {
        Ok(Vec::new())
    }
}

fn is_signed(target: &Target) -> bool {
    matches!(target, Target::Https { auth, .. } if *auth == HttpsAuth::Signature)
}

/// Where in the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// 1 to 500, 50 if absent.
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Sinks in the order they were made; a tenant has at most 100.
#[utoipa::path(get, path = "/v1/sinks", tag = "audit", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<SinkView>), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<SinkView>>, Problem> {
    let limit = usize::from(page::limit(query.limit)?);
    let after: Option<SinkId> = page::position(query.cursor.as_deref())?;
    let listed = caller.perform(&api, &ListSinks).await?;
    let signed = listed.sinks.iter().any(|sink| is_signed(&sink.config.target));
    let keys = keys(&api, &caller, signed).await?;
    let mut rest = listed
        .sinks
        .iter()
        .filter(|sink| after.is_none_or(|after| sink.id > after));
    let items: Vec<SinkView> = rest
        .by_ref()
        .take(limit)
        .map(|sink| SinkView::of(sink, listed.size).with_keys(&keys))
        .collect();
    let more = rest.next().is_some();
    let next_cursor = items.last().filter(|_| more).map(|last| page::encode(&last.id));
    Ok(Answer(Page { items, next_cursor }))
}

/// One sink: how far it is, and why it is not further.
#[utoipa::path(get, path = "/v1/sinks/{sink}", tag = "audit", security(("bearer" = [])),
    params(("sink" = String, Path, description = "its id")),
    responses((status = 200, body = SinkView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn read(caller: Caller, State(api): State<Api>, Path(id): Path<SinkId>) -> Result<Answer<SinkView>, Problem> {
    let sink = caller.perform(&api, &ReadSink { id }).await?;
    let keys = keys(&api, &caller, is_signed(&sink.sink.config.target)).await?;
    Ok(Answer(SinkView::new(&sink).with_keys(&keys)))
}

/// Changes, pauses or resumes a sink, and tries it at once. A new target comes with its own credentials: they never follow a sink elsewhere.
#[utoipa::path(patch, path = "/v1/sinks/{sink}", tag = "audit", security(("bearer" = [])), request_body = SinkPatch,
    params(("sink" = String, Path, description = "its id")),
    responses((status = 200, body = SinkView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn update(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<SinkId>,
    body: Json<SinkPatch>,
) -> Result<Answer<SinkView>, Problem> {
    let patch = body.value;
    let prepared = match patch.target {
        Some(target) => Some(prepare(&api, &caller, id, target).await?),
        None => None,
    };
    let shown = prepared.as_ref().and_then(|prepared| prepared.shown.clone());
    let format = patch.format.as_deref().map(|text| word(Some(text)));
    let change = SinkChange {
        name: patch.name,
        format: format.transpose()?,
        target: prepared.map(|prepared| (prepared.target, prepared.sealed)),
        batch_size: patch.batch_size,
        max_delay_seconds: patch.max_delay_seconds,
        paused: patch.paused,
    };
    let changed = caller.perform(&api, &UpdateSink { id, change }).await?;
    let keys = keys(&api, &caller, is_signed(&changed.sink.config.target)).await?;
    Ok(Answer(
        SinkView::new(&changed).with_keys(&keys).with_secret(shown.as_ref()),
    ))
}

/// Stops sending the log there. What has been sent stays where it is.
#[utoipa::path(delete, path = "/v1/sinks/{sink}", tag = "audit", security(("bearer" = [])),
    params(("sink" = String, Path, description = "its id")),
    responses((status = 204), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn delete(caller: Caller, State(api): State<Api>, Path(id): Path<SinkId>) -> Result<StatusCode, Problem> {
    caller.perform(&api, &DeleteSink { id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends one record that says it is a test, now, and answers what happened.
#[utoipa::path(post, path = "/v1/sinks/{sink}/test", tag = "audit", security(("bearer" = [])),
    params(("sink" = String, Path, description = "its id")),
    responses((status = 200, body = TrialView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn test(caller: Caller, State(api): State<Api>, Path(id): Path<SinkId>) -> Result<Answer<TrialView>, Problem> {
    let (sink, sealed, origin) = caller.perform(&api, &TestSink { id }).await?;
    let tenant = caller.context().tenant();
    let trial = api.sinks.try_out(tenant, &sink, sealed.as_ref(), origin).await;
    Ok(Answer(TrialView::from(&trial)))
}

/// Sends records again: everything from an index on, or the dead letters. Receivers know records by their index. From an index beyond the
/// sink's place, what lies between is left out.
#[utoipa::path(post, path = "/v1/sinks/{sink}/replay", tag = "audit", security(("bearer" = [])), request_body = SinkReplay,
    params(("sink" = String, Path, description = "its id")),
    responses((status = 200, body = SinkView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 410, description = "`pruned`: entries in an archive only, whose name the detail tells", body = ProblemBody),
        (status = 422, body = ProblemBody)))]
async fn replay(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<SinkId>,
    body: Json<SinkReplay>,
) -> Result<Answer<SinkView>, Problem> {
    let replay = match body.value {
        SinkReplay {
            from_index: Some(index),
            dead_letters: None | Some(false),
        } => Replay::From(index),
        SinkReplay {
            from_index: None,
            dead_letters: Some(true),
        } => Replay::DeadLetters,
        _ => return Err(Problem::invalid("", "either `from_index`, or `dead_letters`: true")),
    };
    let sink = caller.perform(&api, &ReplaySink { id, replay }).await?;
    let keys = keys(&api, &caller, is_signed(&sink.sink.config.target)).await?;
    Ok(Answer(SinkView::new(&sink).with_keys(&keys)))
}

/// Records that the receiver refused for good, by index. The log has them, and so does `replay`.
#[utoipa::path(get, path = "/v1/sinks/{sink}/dead-letters", tag = "audit", security(("bearer" = [])), params(ListQuery, ("sink" = String, Path, description = "its id")),
    responses((status = 200, body = Page<DeadLetterView>), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn dead_letters(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<SinkId>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<DeadLetterView>>, Problem> {
    let limit = page::limit(query.limit)?;
    let after = page::position(query.cursor.as_deref())?;
    let letters = caller.perform(&api, &ListDeadLetters { id, after, limit }).await?;
    Ok(Answer(Page::of(&letters, limit, |letter| letter.first.to_string())))
}
