//! Where wrapped keys are kept.
use async_trait::async_trait;
use keepgate_store::StoreError;

use crate::Wrapped;

/// A tenant's data key as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its number within the tenant, from 1.
    pub version: i32,
    /// The wrapped key.
    pub wrapped: Wrapped,
}

/// The wrapped data keys of the transaction's tenant. Only Keepgate's own worker sees them: for anybody else there are none.
#[async_trait]
pub trait DataKeys: Send {
    /// Every version, newest first; empty before the first one.
    async fn data_keys(&mut self) -> Result<Vec<StoredKey>, StoreError>;

    /// Stores a version that does not exist yet. `false` and no change when it does: the one stored first stays.
    async fn add_data_key(&mut self, key: &StoredKey) -> Result<bool, StoreError>;
}
