//! Operation: read one entry.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions::AuditRead};
use keepgate_store::StoreError;

use crate::{
    AuditReader, Entry,
    archive::{Archives, archive_of},
};

/// Returns the entry at an index of the caller's tenant's log.
#[derive(Debug, Clone, Copy)]
pub struct GetAuditEntry {
    /// Its place in the log.
    pub index: u64,
}

/// Why there is no entry.
#[derive(Debug, thiserror::Error)]
pub enum GetAuditEntryError {
    /// The log does not reach that far.
    #[error("the log has no such entry")]
    NotFound,
    /// The entries are in an archive only; its name.
    #[error("the entries are in archive {0}")]
    Pruned(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for GetAuditEntryError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("no-such-entry"),
            Self::Pruned(_) => ErrorKind::Refused("pruned"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: AuditReader + Archives + ?Sized> Command<Tx> for GetAuditEntry {
    type Permission = AuditRead;
    type Output = Entry;
    type Error = GetAuditEntryError;

    fn entity(&self) -> Entity {
        Entity::named("audit", &self.index.to_string())
    }

    async fn run(&self, _proof: &Authorized<AuditRead>, tx: &mut Tx) -> Result<Entry, GetAuditEntryError> {
        if let Some(entry) = tx.entry(self.index).await? {
            return Ok(entry);
        }
        Err(match archive_of(tx, self.index).await? {
            Some(archive) => GetAuditEntryError::Pruned(archive),
            None => GetAuditEntryError::NotFound,
        })
    }
}
