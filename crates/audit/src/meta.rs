//! The log of logs: who may read what of it.
use async_trait::async_trait;
use keepgate_merkle::tile::TilePath;
use keepgate_store::StoreError;

use crate::{LogInfo, SignedCheckpoint, timestamp::StampedCheckpoint};

/// Where the newest checkpoint of a tenant's log stands in the log of logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaPlace {
    /// The index of its leaf.
    pub index: u64,
    /// The checkpoint itself. The leaf is the text it signs.
    pub checkpoint: SignedCheckpoint,
}

/// A transaction that can read the log of logs (`<host>/audit/meta`): each signed state of a tenant's log is a leaf of it, the text
/// of the checkpoint. Whoever may read a log may read its name, checkpoints and hash tiles, which tell nothing about other tenants
/// but how often all of them together were signed; what a leaf says only its tenant learns. For everybody else there is none.
#[async_trait]
pub trait MetaReader: Send {
    /// Name and length, all of it under the latest checkpoint; `None` before the first one.
    async fn meta_info(&mut self) -> Result<Option<LogInfo>, StoreError>;

    /// The latest checkpoint, or with `size` the one of that size.
    async fn meta_checkpoint(&mut self, size: Option<u64>) -> Result<Option<SignedCheckpoint>, StoreError>;

    /// The latest checkpoint whose cosignatures met the quorum of the policy; `None` before the first one.
    async fn meta_witnessed(&mut self) -> Result<Option<SignedCheckpoint>, StoreError>;

    /// The time stamp over the smallest stamped checkpoint of `size` leaves or more, without `size` over the largest.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the checkpoint it covers is gone.
    async fn meta_timestamp(&mut self, size: Option<u64>) -> Result<Option<StampedCheckpoint>, StoreError>;

    /// The content of a hash tile; `None` if the log does not reach that far, and for entry bundles.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a full tile is missing.
    async fn meta_tile(&mut self, path: &TilePath) -> Result<Option<Vec<u8>>, StoreError>;

    /// The newest leaf of the own log with an index less than `below` that is about at most `size` entries.
    async fn meta_place(&mut self, below: u64, size: u64) -> Result<Option<MetaPlace>, StoreError>;
}
