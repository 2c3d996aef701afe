//! `GET /v1/audit/export`: the log in other forms, streamed page by page.
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use keepgate_audit::{
    EntryQuery, Page,
    export::{EntryWriter, Format, bundle::Bundle},
    operations::{ExportAudit, ExportRange},
    timestamp::evidence,
};
use keepgate_kernel::Timestamp;
use keepgate_policy::OpContext;
use keepgate_store::StoreError;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Caller, Problem, ProblemBody, extract::Query};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(export))
}

/// What to export.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportQuery {
    /// `jsonl`, `csv`, `ocsf` or `bundle`.
    format: String,
    /// Recorded at this instant (RFC 3339) or later. A bundle is always whole.
    #[param(value_type = Option<String>)]
    from: Option<Timestamp>,
    /// Recorded before this instant.
    #[param(value_type = Option<String>)]
    to: Option<Timestamp>,
}

/// The log as lines (JSONL, CSV, OCSF) or as a tar archive that verifies on its own. Holds what was numbered when it began.
#[utoipa::path(get, path = "/v1/audit/export", tag = "audit", security(("bearer" = [])), params(ExportQuery),
    responses((status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn export(caller: Caller, State(api): State<Api>, Query(query): Query<ExportQuery>) -> Result<Response, Problem> {
    let format: Format = query
        .format
        .parse()
        .map_err(|_| Problem::invalid("?format", "`jsonl`, `csv`, `ocsf` or `bundle`"))?;
    let range = caller
        .perform(
            &api,
            &ExportAudit {
                format,
                from: query.from,
                to: query.to,
            },
        )
        .await?;
    let name = format!(
        "attachment; filename=\"audit.{}\"",
        if format == Format::Bundle {
            "tar"
        } else {
            format.as_str()
        }
    );
    let context = caller.context().clone();
    let body = match EntryWriter::new(format, &range.log.origin) {
        Some(writer) => Body::from_stream(lines(api, context, range, writer)),
        None => {
            let key = api
                .verifier_keys
                .verifier_key(context.tenant())
                .await?
                .ok_or_else(Problem::not_found)?;
            Body::from_stream(archive(api, context, range, key))
        }
    };
    Ok((
        [
            (header::CONTENT_TYPE, format.media_type().to_owned()),
            (header::CONTENT_DISPOSITION, name),
        ],
        body,
    )
        .into_response())
}

/// Each page in a transaction of its own, as the same caller: a revoked credential ends the stream.
fn lines(
    api: Api,
    context: OpContext,
    range: ExportRange,
    writer: EntryWriter,
) -> impl Stream<Item = Result<Bytes, StoreError>> {
    let begin = Bytes::from(writer.begin());
    let pages = pages(range.first_page, move |query| {
        let (api, context) = (api.clone(), context.clone());
        async move {
            let mut page = api.gate.store().begin(&context).await?.entries(&query).await?;
            api.gate.reveal(&mut page.items).await?;
            Ok(page)
        }
    });
    let pages = pages.map_ok(move |page| Bytes::from(writer.page(&page.items)));
    stream::once(std::future::ready(Ok(begin))).chain(pages)
}

/// One page after another. The next is read when the one before was taken, never ahead: an export holds one page, however long the log
/// and however slow its reader.
fn pages<F: Future<Output = Result<Page, StoreError>>>(
    first: EntryQuery,
    mut read: impl FnMut(EntryQuery) -> F,
) -> impl Stream<Item = Result<Page, StoreError>> {
    async_stream::try_stream! {
        let mut query = first;
        loop {
            let page = read(query.clone()).await?;
            let next = page.next;
            yield page;
            match next {
                Some(next) => query.start = next,
                None => break,
            }
        }
    }
}

fn archive(
    api: Api,
    context: OpContext,
    range: ExportRange,
    key: String,
) -> impl Stream<Item = Result<Bytes, StoreError>> {
    async_stream::try_stream! {
        let broken = |_| StoreError::corrupt("audit.tile", "hashes");
        let size = range.checkpoint.size;
        let mut bundle = Bundle::new(&range.log.origin, range.checkpoint, context.at()).from_index(range.min_index);
        if let Some(policy) = api.evidence_policy.of_log(&range.log.origin) {
            bundle = bundle.with_policy(policy.to_vec());
        }
        let mut tx = api.gate.store().begin(&context).await?;
        if let Some(evidence) = evidence(&mut *tx, size).await? {
            bundle = bundle.with_stamp(&evidence);
        }
        drop(tx);
        yield Bytes::from(bundle.begin(&key).map_err(broken)?);
        for path in bundle.tiles() {
            let content = api.gate.store().begin(&context).await?.tile(&path).await?;
            if content.is_none() && bundle.may_lack(&path) {
                continue;
            }
            let content = content.ok_or_else(|| StoreError::corrupt("audit.tile", "idx"))?;
            yield Bytes::from(bundle.tile(&path, &content).map_err(broken)?);
        }
        yield Bytes::from(bundle.end());
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, pin::pin};

    use super::*;

    #[tokio::test]
    async fn a_page_is_read_when_it_is_asked_for_and_never_ahead() {
        let (size, limit) = (10_000_000_u64, 500_u64);
        let (read, first) = (Cell::new(0_u64), EntryQuery::default());
        let mut export = pin!(pages(first, |query| {
            read.set(read.get() + 1);
            let next = Some(query.start + limit).filter(|next| *next < size);
            let page = Page {
                items: Vec::new(),
                next,
            };
            std::future::ready(Ok(page))
        }));
        assert_eq!(read.get(), 0, "nothing before somebody reads");
        for taken in 1..=size / limit {
            assert!(export.next().await.unwrap().is_ok());
            assert_eq!(read.get(), taken);
        }
        assert!(export.next().await.is_none());
        assert_eq!(read.get(), size / limit);
    }

    #[tokio::test]
    async fn what_can_t_be_read_ends_the_export_with_an_error() {
        let mut export = pin!(pages(EntryQuery::default(), |query| {
            let page = Page {
                items: Vec::new(),
                next: Some(500),
            };
            std::future::ready(if query.start == 0 {
                Ok(page)
            } else {
                Err(StoreError::Revoked)
            })
        }));
        assert!(export.next().await.unwrap().is_ok());
        assert!(matches!(export.next().await, Some(Err(StoreError::Revoked))));
        assert!(export.next().await.is_none());
    }
}
