//! Operation: export the log.
use keepgate_kernel::{Entity, Timestamp};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions::AuditExport};
use keepgate_store::StoreError;

use crate::{AuditReader, EntryQuery, LogInfo, MAX_LIMIT, SignedCheckpoint, archive::Archives, export::Format};

/// Authorises an export and says exactly what it will hold, so that entries written meanwhile do not get in. The pages
/// are then read one by one, each in a transaction of its own as the same caller.
#[derive(Debug, Clone, Copy)]
pub struct ExportAudit {
    /// The form.
    pub format: Format,
    /// Entries recorded at this instant or later.
    pub from: Option<Timestamp>,
    /// Entries recorded before this instant.
    pub to: Option<Timestamp>,
}

/// What an export holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRange {
    /// The log.
    pub log: LogInfo,
    /// The latest checkpoint; covers everything in the range.
    pub checkpoint: SignedCheckpoint,
    /// The query of the first page; [`crate::Page::next`] is the start of the following one. A bundle ignores its times:
    /// only a whole log can be verified.
    pub first_page: EntryQuery,
    /// Entries below it may be in archives only, and are then left out.
    pub min_index: u64,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
pub enum ExportAuditError {
    /// No entry has been numbered yet.
    #[error("the log is still empty")]
    Empty,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ExportAuditError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Empty => ErrorKind::Refused("log-empty"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: AuditReader + Archives + ?Sized> Command<Tx> for ExportAudit {
    type Permission = AuditExport;
    type Output = ExportRange;
    type Error = ExportAuditError;

    fn entity(&self) -> Entity {
        Entity::named("audit", self.format.as_str())
    }

    async fn run(&self, _proof: &Authorized<AuditExport>, tx: &mut Tx) -> Result<ExportRange, ExportAuditError> {
        let log = tx.log_info().await?.ok_or(ExportAuditError::Empty)?;
        let checkpoint = tx.checkpoint(None).await?.ok_or(ExportAuditError::Empty)?;
        let (from, to) = (self.from, self.to);
        let first_page = EntryQuery {
            from,
            to,
            end: Some(checkpoint.size),
            limit: MAX_LIMIT,
            ..EntryQuery::default()
        };
        Ok(ExportRange {
            log,
            checkpoint,
            first_page,
            min_index: tx.min_index().await?,
        })
    }
}
