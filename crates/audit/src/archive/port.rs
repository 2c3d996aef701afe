//! The ports: where archives are kept, where their tiles come from, and what is known about them.
use async_trait::async_trait;
use keepgate_merkle::tile::TilePath;
use keepgate_store::StoreError;

use super::Archive;

/// Why a store could not do it.
#[derive(Debug, thiserror::Error)]
#[error("the archive store failed")]
pub struct StoreFault(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Where archives are kept: files with names of at most 200 characters, `/` between folders.
#[async_trait]
pub trait ArchiveStore: Send + Sync {
    /// Keeps `content` under `name`, whatever was there before. Durable once it returns.
    ///
    /// # Errors
    /// [`StoreFault`]: it may be there or not.
    async fn put(&self, name: &str, content: &[u8]) -> Result<(), StoreFault>;

    /// What is kept under `name`, read afresh; `None` if nothing is, or more than `most` bytes.
    ///
    /// # Errors
    /// [`StoreFault`].
    async fn get(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>, StoreFault>;

    /// The store as operators know it, such as `file:///srv/archive`.
    fn place(&self) -> &str;
}

/// The files of one log.
#[async_trait]
pub trait Tiles: Send {
    /// A tile or bundle, as stored, unchecked.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for one that is not there.
    async fn read(&mut self, path: &TilePath) -> Result<Vec<u8>, StoreError>;
}

/// A transaction that knows the archives of its context's tenant's log.
#[async_trait]
pub trait Archives: Send {
    /// Notes an archive. Part of the log if and only if this transaction commits, with the entry that tells about it.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for everybody but Keepgate's own worker, and for one that does not begin where the last ended.
    async fn record_archive(&mut self, archive: &Archive) -> Result<(), StoreError>;

    /// The archives in the order of what they hold. Empty for those who see no log.
    async fn archives(&mut self) -> Result<Vec<Archive>, StoreError>;

    /// Entries below it may be gone here; 0 while none is.
    async fn min_index(&mut self) -> Result<u64, StoreError>;
}
