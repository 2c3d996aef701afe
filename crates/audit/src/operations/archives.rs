//! Operations: note an archive of the log, and list them.
use keepgate_kernel::Entity;
use keepgate_policy::{
    Authorized, Command, CommandError, ErrorKind,
    permissions::{ArchiveList, AuditArchived},
};
use keepgate_store::StoreError;

use crate::archive::{Archive, Archives};

/// Notes an archive. Its leaf, which names range and manifest, is the entry of this operation.
#[derive(Debug, Clone)]
pub struct RecordArchive {
    /// The archive.
    pub archive: Archive,
}

/// Why it was not noted.
#[derive(Debug, thiserror::Error)]
pub enum RecordArchiveError {
    /// The store failed, or the archive does not begin where the last ended.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RecordArchiveError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Archives + ?Sized> Command<Tx> for RecordArchive {
    type Permission = AuditArchived;
    type Output = ();
    type Error = RecordArchiveError;

    fn entity(&self) -> Entity {
        self.archive.entity()
    }

    async fn run(&self, _proof: &Authorized<AuditArchived>, tx: &mut Tx) -> Result<(), RecordArchiveError> {
        Ok(tx.record_archive(&self.archive).await?)
    }
}

/// The archives of the caller's tenant's log.
#[derive(Debug, Clone, Copy)]
pub struct ListArchives;

/// Which archives there are, and what is gone here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveOverview {
    /// In the order of what they hold.
    pub archives: Vec<Archive>,
    /// Entries below it are in archives only.
    pub min_index: u64,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListArchivesError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ListArchivesError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Archives + ?Sized> Command<Tx> for ListArchives {
    type Permission = ArchiveList;
    type Output = ArchiveOverview;
    type Error = ListArchivesError;

    fn entity(&self) -> Entity {
        Entity::collection("archives")
    }

    async fn run(&self, _proof: &Authorized<ArchiveList>, tx: &mut Tx) -> Result<ArchiveOverview, ListArchivesError> {
        Ok(ArchiveOverview {
            min_index: tx.min_index().await?,
            archives: tx.archives().await?,
        })
    }
}
