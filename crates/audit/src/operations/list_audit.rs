//! Operation: search the log.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions::AuditList};
use keepgate_store::StoreError;

use crate::{AuditReader, BadQuery, EntryQuery, Page};

/// Returns a page of entries in the order of their index.
#[derive(Debug, Clone, Default)]
pub struct ListAudit {
    /// Which entries.
    pub query: EntryQuery,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ListAuditError {
    /// The query can't be asked.
    #[error(transparent)]
    Query(#[from] BadQuery),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ListAuditError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Query(bad) => ErrorKind::Refused(bad.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: AuditReader + ?Sized> Command<Tx> for ListAudit {
    type Permission = AuditList;
    type Output = Page;
    type Error = ListAuditError;

    fn entity(&self) -> Entity {
        Entity::collection("audit")
    }

    async fn run(&self, _proof: &Authorized<AuditList>, tx: &mut Tx) -> Result<Page, ListAuditError> {
        self.query.check()?;
        Ok(tx.entries(&self.query).await?)
    }
}
