//! Groups over any store: a worker's transaction each.
use std::sync::Arc;

use async_trait::async_trait;
use keepgate_kernel::{Clock, RequestId, TenantId};
use keepgate_policy::OpContext;
use keepgate_store::{Begin, StoreError, Transaction};

use super::{Groups, Lane};
use crate::{AuditLog, Receipt, Told};

/// Writes each group in a transaction of Keepgate's own worker.
pub struct GroupsOver<T: ?Sized> {
    store: Arc<dyn Begin<T>>,
    clock: Arc<dyn Clock>,
}

impl<T: ?Sized> GroupsOver<T> {
    /// Over `store`.
    #[must_use]
    pub const fn new(store: Arc<dyn Begin<T>>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }
}

#[async_trait]
impl<T: Transaction + AuditLog + ?Sized + 'static> Groups for GroupsOver<T> {
    async fn open(&self) -> Result<Box<dyn Lane>, StoreError> {
        Ok(Box::new(Self::new(self.store.clone(), self.clock.clone())))
    }
}

#[async_trait]
impl<T: Transaction + AuditLog + ?Sized + 'static> Lane for GroupsOver<T> {
    #[expect(
        clippy::disallowed_methods,
        reason = "these entries are operations of their own, decided already"
    )]
    async fn write(&mut self, tenant: TenantId, told: &[Told]) -> Result<Vec<Receipt>, StoreError> {
        let now = self.clock.now();
        let worker = OpContext::system(tenant, RequestId::new(now), now);
        let mut tx = self.store.begin(&worker).await?;
        let receipts = tx.append_all(told).await?;
        tx.commit().await?;
        Ok(receipts)
    }
}

impl<T: ?Sized> std::fmt::Debug for GroupsOver<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupsOver").finish_non_exhaustive()
    }
}
