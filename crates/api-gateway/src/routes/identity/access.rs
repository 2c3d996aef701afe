//! `GET /v1/access`: who has which access, and whether anybody still uses it.
mod view;

use axum::{
    Json as Answer,
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::Stream;
use keepgate_identity::{Access, Holder, ReviewAccess};
use keepgate_policy::OpContext;
use keepgate_store::StoreError;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::view::AccessView;
use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::Query,
    page::{self, Page},
};

/// How many lines of a table are read at once.
const BATCH: u32 = 500;

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(review))
}

/// Which form, which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AccessQuery {
    /// `json` (the default), page by page, or `csv`, whole.
    format: Option<String>,
    /// How many at most, 1 to 500; 50 when absent. Of `json` only.
    limit: Option<u16>,
    /// Where the page before ended. Of `json` only.
    cursor: Option<String>,
}

/// People, devices, services and API keys with their level, last use and second factors, in that order and by age. Deleted principals
/// and revoked keys have no access, so they are not there. `stale` is what nobody has used for 90 days, or since it was made.
#[utoipa::path(get, path = "/v1/access", tag = "identity", security(("bearer" = [])), params(AccessQuery),
    responses((status = 200, content((Page<AccessView> = "application/json"), (String = "text/csv"))),
        (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn review(caller: Caller, State(api): State<Api>, Query(query): Query<AccessQuery>) -> Result<Response, Problem> {
    match query.format.as_deref().unwrap_or("json") {
        "json" => Ok(one_page(&caller, &api, &query).await?.into_response()),
        "csv" if query.limit.is_some() => Err(Problem::invalid("?limit", "a table is always whole")),
        "csv" if query.cursor.is_some() => Err(Problem::invalid("?cursor", "a table is always whole")),
        "csv" => table(caller, api).await,
        _ => Err(Problem::invalid("?format", "`json` or `csv`")),
    }
}

async fn one_page(caller: &Caller, api: &Api, query: &AccessQuery) -> Result<Answer<Page<AccessView>>, Problem> {
    let limit = page::limit(query.limit)?;
    let command = ReviewAccess {
        after: page::position(query.cursor.as_deref())?,
        limit: limit.into(),
    };
    let found = caller.perform(api, &command).await?;
    let last = found.last().filter(|_| found.len() >= usize::from(limit));
    Ok(Answer(Page {
        next_cursor: last.map(|access| page::encode(&access.holder.to_string())),
        items: found
            .iter()
            .map(|access| AccessView::of(access, caller.now()))
            .collect(),
    }))
}

async fn table(caller: Caller, api: Api) -> Result<Response, Problem> {
    let first = ReviewAccess {
        after: None,
        limit: BATCH,
    };
    let first = caller.perform(&api, &first).await?;
    let body = Body::from_stream(lines(api, caller.context().clone(), first));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"access.csv\""),
    ];
    Ok((headers, body).into_response())
}

/// Each further page in a transaction of its own, as the same caller: a revoked credential ends the stream.
fn lines(api: Api, context: OpContext, first: Vec<Access>) -> impl Stream<Item = Result<Bytes, StoreError>> {
    async_stream::try_stream! {
        yield Bytes::from(view::HEADER);
        let (mut page, at) = (first, context.at());
        loop {
            yield Bytes::from(page.iter().map(|access| AccessView::of(access, at).line()).collect::<String>());
            let after: Option<Holder> = page.last().map(|access| access.holder);
            if page.len() < BATCH as usize {
                break;
            }
            page = api.gate.store().begin(&context).await?.access(after, BATCH).await?;
        }
    }
}
