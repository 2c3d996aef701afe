//! What is told to another tenant than the caller's: that the platform let its owner in again.
use async_trait::async_trait;
use keepgate_kernel::TenantId;
use keepgate_store::StoreError;

use crate::NewEntry;

/// A transaction that can write to the log of a tenant it has just reached into.
#[async_trait]
pub trait TenantLogs: Send {
    /// Appends `entry` to `tenant`'s log, with the caller as its actor, if this transaction has used up an approval to let an owner
    /// of that tenant in again. Without it that change does not commit.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for everybody and everything else.
    async fn tell_tenant(&mut self, tenant: TenantId, entry: &NewEntry) -> Result<(), StoreError>;
}
