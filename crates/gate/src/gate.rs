//! What the doorway needs.
use std::sync::Arc;

use keepgate_kernel::Clock;
use keepgate_store::Begin;
use tokio::sync::Notify;

use crate::Vault;

/// The doorway over transactions of type `T`. Clones share everything.
pub struct Gate<T: ?Sized> {
    pub(crate) store: Arc<dyn Begin<T>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) vault: Arc<Vault>,
    committed: Arc<Notify>,
}

impl<T: ?Sized> Gate<T> {
    /// A doorway over `store`, sealing with `vault`.
    #[must_use]
    pub fn new(store: Arc<dyn Begin<T>>, clock: Arc<dyn Clock>, vault: Vault) -> Self {
        Self {
            store,
            clock,
            vault: Arc::new(vault),
            committed: Arc::new(Notify::new()),
        }
    }

    /// The time source of every operation.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Rung after every commit: the integrator and the dispatcher wait for it.
    #[must_use]
    pub fn committed(&self) -> Arc<Notify> {
        self.committed.clone()
    }

    pub(crate) fn ring(&self) {
        self.committed.notify_waiters();
        self.committed.notify_one();
    }

    /// The store, for reads that are no operations of a principal: workers looking for due work.
    #[must_use]
    pub fn store(&self) -> &dyn Begin<T> {
        &*self.store
    }
}

impl<T: ?Sized> Clone for Gate<T> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            clock: self.clock.clone(),
            vault: self.vault.clone(),
            committed: self.committed.clone(),
        }
    }
}

impl<T: ?Sized> std::fmt::Debug for Gate<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}
