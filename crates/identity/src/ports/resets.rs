//! Codes that set a new password.
use async_trait::async_trait;
use keepgate_kernel::PrincipalId;
use keepgate_store::StoreError;

use crate::{CodeHash, NewReset};

/// Reset codes, by their hash. Workers only: `Forbidden` for everybody else.
#[async_trait]
pub trait Resets: Send {
    /// Puts a code on record. The principal's older ones end.
    async fn add_reset(&mut self, new: &NewReset) -> Result<(), StoreError>;

    /// Whose code it is; `None` whenever it can't be used.
    async fn reset_holder(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError>;

    /// Uses a code up, and says whose it was. `None` when it is unknown in this tenant, used, past its end, or its principal not
    /// active. Of two at once, one gets it.
    async fn use_reset(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError>;
}
