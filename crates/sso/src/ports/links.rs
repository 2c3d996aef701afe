//! Wishes to link an account to oneself.
use async_trait::async_trait;
use keepgate_store::StoreError;

use crate::{Linked, PendingLink};

/// Wishes of the caller's tenant to link an account of a provider.
#[async_trait]
pub trait Links: Send {
    /// Puts a wish of the caller's own on record, for ten minutes at most. Levels 1 to 4 with a fresh session; `Forbidden` otherwise.
    async fn open_link(&mut self, link: &PendingLink) -> Result<(), StoreError>;

    /// The browser came back: the wish can't be used by another. `None` when there is none of this state that was begun with this
    /// binding and whose time is not over, or it was used; a wrong binding uses nothing up. Of two at once, one gets it. The log-in's
    /// worker only. Bookkeeping, so no audit entry is needed.
    async fn use_link(&mut self, state: &[u8; 32], binding: &[u8; 32]) -> Result<Option<PendingLink>, StoreError>;

    /// Grants the used wish of `state`: the subject of its issuer is from now on its principal. In PostgreSQL the session that wished it
    /// must still be alive; nobody else can be linked this way. The log-in's worker only.
    async fn link_account(&mut self, state: &[u8; 32], subject: &str, user_name: &str) -> Result<Linked, StoreError>;
}
