//! The port that reads.
use async_trait::async_trait;
use keepgate_merkle::tile::TilePath;
use keepgate_store::StoreError;

use crate::{Entry, EntryQuery, Page};

/// What a log is called and how long it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogInfo {
    /// The unique name of the log; also the name of the key that signs it.
    pub origin: String,
    /// The number of entries, all of them under the latest checkpoint.
    pub size: u64,
}

/// A signed statement of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The number of leaves it covers.
    pub size: u64,
    /// The signed note (`c2sp.org/tlog-checkpoint`), byte for byte: as the log signed it, then the cosignatures that
    /// witnesses have made so far.
    pub note: String,
}

/// A transaction that can read the log of its context's tenant: the numbered part of it, all under a checkpoint.
///
/// Levels 4, 5 and 7 see their own tenant's log. For everybody else, and in a tenant that has no log yet, it is empty:
/// `None`, or a page without entries. What has an index never changes and never gets another one; only
/// the opening of an entry (its source address) may disappear.
#[async_trait]
pub trait AuditReader: Send {
    /// Name and length of the log.
    async fn log_info(&mut self) -> Result<Option<LogInfo>, StoreError>;

    /// A page of entries in the order of their index. A page that was full once is the same for ever.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for a query that [`EntryQuery::check`] refuses, [`StoreError::Corrupt`] when an entry
    /// in the page is gone or can't be read.
    async fn entries(&mut self, query: &EntryQuery) -> Result<Page, StoreError>;

    /// The entry at `index`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is gone or can't be read.
    async fn entry(&mut self, index: u64) -> Result<Option<Entry>, StoreError>;

    /// The latest checkpoint, or with `size` the one of that size.
    async fn checkpoint(&mut self, size: Option<u64>) -> Result<Option<SignedCheckpoint>, StoreError>;

    /// The latest checkpoint whose cosignatures met the quorum of the policy; `None` before the first one.
    async fn witnessed(&mut self) -> Result<Option<SignedCheckpoint>, StoreError>;

    /// The content of a tile or entry bundle (`c2sp.org/tlog-tiles`); `None` if the log does not reach that far. Entries
    /// are handed out as stored, unchecked, and a bundle ends before an entry that is gone: finding that is the
    /// verifier's business.
    async fn tile(&mut self, path: &TilePath) -> Result<Option<Vec<u8>>, StoreError>;
}

/// Whether a log of `size` leaves has this tile, at this width or wider.
pub(crate) fn reaches(path: &TilePath, size: u64) -> bool {
    TilePath::at(path.kind(), path.index(), size).is_some_and(|now| path.width() <= now.width())
}
