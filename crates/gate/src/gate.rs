//! What the doorway needs.
use std::sync::{Arc, Mutex, PoisonError, Weak};

use keepgate_audit::{
    AuditLog,
    journal::{Groups, GroupsOver, Journal},
};
use keepgate_kernel::Clock;
use keepgate_store::{Begin, Transaction};
use tokio::sync::Notify;

use crate::{Vault, seldom::Recent};

/// The doorway over transactions of type `T`. Clones share everything.
pub struct Gate<T: ?Sized> {
    pub(crate) store: Arc<dyn Begin<T>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) vault: Arc<Vault>,
    /// Whose store the data keys are read from; `None`: this one's.
    pub(crate) keys: Option<Arc<Self>>,
    pub(crate) recent: Arc<Recent>,
    /// Where refusals and failures go.
    pub(crate) journal: Journal,
    bells: Arc<Mutex<Vec<Weak<Notify>>>>,
}

impl<T: Transaction + AuditLog + ?Sized + 'static> Gate<T> {
    /// A doorway over `store`, sealing with `vault`.
    #[must_use]
    pub fn new(store: Arc<dyn Begin<T>>, clock: Arc<dyn Clock>, vault: Vault) -> Self {
        Self {
            journal: Journal::new(GroupsOver::new(store.clone(), clock.clone())),
            store,
            clock,
            vault: Arc::new(vault),
            keys: None,
            recent: Arc::default(),
            bells: Arc::default(),
        }
    }

    /// The same, with refusals and failures written into `groups`: a shorter way into the same store.
    #[must_use]
    pub fn journalling(self, groups: impl Groups + 'static) -> Self {
        Self {
            journal: Journal::new(groups),
            ..self
        }
    }
}

impl<T: ?Sized> Gate<T> {
    /// The same doorway over another store: same clock, same journal, same keys (still read through this one's store), same bells.
    #[must_use]
    pub fn over(&self, store: Arc<dyn Begin<T>>) -> Self {
        Self {
            store,
            keys: Some(Arc::new(self.clone())),
            ..self.clone()
        }
    }

    /// The time source of every operation.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The same, to be kept.
    #[must_use]
    pub fn shared_clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// A bell of one's own, rung after every commit: the integrator and the dispatcher wait for theirs.
    #[must_use]
    pub fn committed(&self) -> Arc<Notify> {
        let bell = Arc::new(Notify::new());
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        bells.retain(|bell| bell.strong_count() > 0);
        bells.push(Arc::downgrade(&bell));
        bell
    }

    pub(crate) fn ring(&self) {
        let bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        bells
            .iter()
            .filter_map(Weak::upgrade)
            .for_each(|bell| bell.notify_one());
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
            keys: self.keys.clone(),
            recent: self.recent.clone(),
            journal: self.journal.clone(),
            bells: self.bells.clone(),
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
