//! Nothing is sealed anew in memory: a store that is gone with the process keeps its keys as long.
use async_trait::async_trait;
use keepgate_kernel::TenantId;
use keepgate_store::{MemTx, StoreError};

use super::worker;
use crate::{Replacement, Reseals, SealedKind, SealedRow, Walk, Walked};

#[async_trait]
impl Reseals for MemTx {
    async fn tenants_to_reseal(&mut self, _: u16) -> Result<Vec<TenantId>, StoreError> {
        Ok(Vec::new())
    }

    async fn sealed_left(&mut self) -> Result<(u64, u64), StoreError> {
        Ok((0, 0))
    }

    async fn claim_reseal(&mut self, _: u16) -> Result<Option<Walk>, StoreError> {
        worker(self).map(|_| None).ok_or(StoreError::Forbidden)
    }

    async fn count_sealed(&mut self, _: &Walk, _: u16, _: u16, _: u16) -> Result<Option<bool>, StoreError> {
        worker(self).map(|_| None).ok_or(StoreError::Forbidden)
    }

    async fn sealed_next(&mut self, _: SealedKind, _: Option<&str>, _: u16) -> Result<Vec<SealedRow>, StoreError> {
        worker(self).map(|_| Vec::new()).ok_or(StoreError::Forbidden)
    }

    async fn reseal(&mut self, _: SealedKind, _: &Replacement, _: i32) -> Result<bool, StoreError> {
        Err(StoreError::Forbidden)
    }

    async fn sealed_walked(&mut self, _: &Walk, _: &Walked, _: u16) -> Result<bool, StoreError> {
        worker(self).map(|_| false).ok_or(StoreError::Forbidden)
    }
}
