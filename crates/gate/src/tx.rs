//! What a transaction of the service can do.
use async_trait::async_trait;
use keepgate_audit::{AuditLog};
use keepgate_crypto_keys::DataKeys;
use keepgate_policy::OpContext;
use keepgate_store::{Begin, MemStore, StoreError, Transaction};

use crate::{Gate, IdempotencyKeys};

/// Every capability of the service. Adding a port is adding a word here, twice.
pub trait Tx: Transaction + AuditLog + DataKeys + IdempotencyKeys {}
impl<T: Transaction + AuditLog + DataKeys + IdempotencyKeys> Tx for T {}

/// The doorway of the service.
pub type Service = Gate<dyn Tx>;

#[async_trait]
impl Begin<dyn Tx> for MemStore {
    async fn begin(&self, context: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(Self::begin(self, context)?))
    }
}

#[cfg(feature = "postgres")]
#[async_trait]
impl Begin<dyn Tx> for keepgate_store::PgStore {
    async fn begin(&self, context: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(Self::begin(self, context).await?))
    }
}
