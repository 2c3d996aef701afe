//! `GET /v1/audit/archives`: what of the log lies in archives.
use axum::{Json as Answer, extract::State};
use data_encoding::HEXLOWER;
use keepgate_audit::{
    archive::Archive,
    operations::{ArchiveOverview, ListArchives},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Api, Caller, Problem, ProblemBody};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list))
}

/// One archive: whole bundles of entries, with what leads from them to a signed root.
#[derive(Debug, Serialize, ToSchema)]
struct ArchiveView {
    /// Its name; also that of its folder in the store, below the tenant's.
    #[schema(example = "0-131072")]
    name: String,
    /// The first entry in it.
    from: u64,
    /// The entry before which it ends.
    to: u64,
    /// The newest month it was made for.
    #[schema(example = "2021-03")]
    month: String,
    /// The size of the log that its checkpoint signs.
    size: u64,
    /// SHA-256 of its `manifest.json`, as the entry `audit.archived` tells it, hexadecimal.
    manifest: String,
    /// The store it was written to.
    #[schema(example = "file:///srv/keepgate-archive")]
    place: String,
}

impl From<&Archive> for ArchiveView {
    fn from(archive: &Archive) -> Self {
        Self {
            name: archive.name(),
            from: archive.from,
            to: archive.to,
            month: archive.month.format("%Y-%m").to_string(),
            size: archive.size,
            manifest: HEXLOWER.encode(&archive.manifest),
            place: archive.place.clone(),
        }
    }
}

/// The archives of the log.
#[derive(Debug, Serialize, ToSchema)]
struct ArchivesView {
    /// In the order of what they hold, without gaps between them.
    items: Vec<ArchiveView>,
    /// Entries below it may be in archives only; 0 while none is.
    min_index: u64,
}

/// The archives of the caller's tenant's log. All hashes, checkpoints and proofs stay here, whatever is archived.
#[utoipa::path(get, path = "/v1/audit/archives", tag = "audit", security(("bearer" = [])),
    responses((status = 200, body = ArchivesView), (status = 403, body = ProblemBody)))]
async fn list(caller: Caller, State(api): State<Api>) -> Result<Answer<ArchivesView>, Problem> {
    let ArchiveOverview { archives, min_index } = caller.perform(&api, &ListArchives).await?;
    Ok(Answer(ArchivesView {
        items: archives.iter().map(ArchiveView::from).collect(),
        min_index,
    }))
}
