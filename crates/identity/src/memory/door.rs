//! The door of a memory store.
use keepgate_policy::OpContext;
use keepgate_store::{MemTx, StoreError};

use super::caller::live_level;

/// What `gate.enter` is in PostgreSQL, for [`keepgate_store::MemStore::with_door`]: refuses a context whose session, key,
/// principal or tenant is not alive at the context's instant.
///
/// # Errors
/// [`StoreError::Revoked`].
pub fn door(tx: &MemTx, context: &OpContext) -> Result<(), StoreError> {
    live_level(tx, context).map(|_| ()).ok_or(StoreError::Revoked)
}
