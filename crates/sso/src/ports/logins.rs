//! Log-ins under way.
use async_trait::async_trait;
use keepgate_store::StoreError;

use crate::PendingLogin;

/// Log-ins under way in the caller's tenant. The log-in's worker only: `Forbidden` for everybody else. Bookkeeping, so no audit
/// entry is needed.
#[async_trait]
pub trait Logins: Send {
    /// Puts a log-in on record, and forgets those whose time is over.
    async fn open_login(&mut self, login: &PendingLogin) -> Result<(), StoreError>;

    /// Uses a log-in up. `None` when there is none of this state that was begun with this binding and whose time is not over; a wrong
    /// binding uses nothing up. Of two at once, one gets it.
    async fn use_login(&mut self, state: &[u8; 32], binding: &[u8; 32]) -> Result<Option<PendingLogin>, StoreError>;
}
