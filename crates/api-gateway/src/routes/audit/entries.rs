//! `GET /v1/audit/entries/{index}`: one entry.
use axum::{Json as Answer, extract::State};
use keepgate_audit::operations::GetAuditEntry;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::view::EntryView;
use crate::{Api, Caller, Problem, ProblemBody, extract::Path};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get))
}

/// The entry at an index.
#[utoipa::path(get, path = "/v1/audit/entries/{index}", tag = "audit", security(("bearer" = [])),
    params(("index" = u64, Path, description = "its place in the log, from 0")),
    responses((status = 200, body = EntryView), (status = 404, body = ProblemBody),
        (status = 410, description = "`pruned`: in an archive only, whose name the detail tells", body = ProblemBody)))]
async fn get(caller: Caller, State(api): State<Api>, Path(index): Path<u64>) -> Result<Answer<EntryView>, Problem> {
    let mut entry = caller.perform(&api, &GetAuditEntry { index }).await?;
    api.gate.reveal(std::slice::from_mut(&mut entry)).await?;
    Ok(Answer(EntryView::from(&entry)))
}
