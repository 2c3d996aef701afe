//! The life of a transaction.
use async_trait::async_trait;
use keepgate_policy::OpContext;

use crate::StoreError;

/// What every backend gives. Dropping a transaction rolls it back.
#[async_trait]
pub trait Transaction: Send {
    /// Who acts, in which tenant: fixed for the life of the transaction.
    fn context(&self) -> &OpContext;

    /// Makes everything durable at once, or nothing. Only the doorway calls it.
    ///
    /// # Errors
    /// [`StoreError::Unaudited`] when something changed and no audit entry was appended, [`StoreError::Conflict`] when
    /// another transaction won; in both cases nothing was committed. After [`StoreError::Unavailable`] it is unknown
    /// whether the commit happened.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// Opens transactions of type `Tx`; implemented once for each backend where a service is composed.
#[async_trait]
pub trait Begin<Tx: ?Sized>: Send + Sync {
    /// A transaction in which `context` has been checked against the live state of its credential.
    ///
    /// # Errors
    /// [`StoreError::Revoked`] when the credential is dead, [`StoreError::Unavailable`] when there is no database.
    async fn begin(&self, context: &OpContext) -> Result<Box<Tx>, StoreError>;
}
