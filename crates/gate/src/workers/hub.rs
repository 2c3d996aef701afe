//! Wakes the streams of one principal when something for it has been committed.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use keepgate_kernel::{PrincipalId, TenantId};
use tokio::sync::Notify;

type Key = (TenantId, PrincipalId);

/// Who listens where, in this process. A wake-up carries no authority and may be lost when a process dies: listeners also look
/// by themselves now and then. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Hub {
    listeners: Arc<Mutex<HashMap<Key, Weak<Notify>>>>,
}

impl Hub {
    /// Something to wait on for `principal` of `tenant`.
    #[must_use]
    pub fn listen(&self, tenant: TenantId, principal: PrincipalId) -> Arc<Notify> {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = listeners.get(&(tenant, principal)).and_then(Weak::upgrade) {
            return bell;
        }
        listeners.retain(|_, bell| bell.strong_count() > 0);
        let bell = Arc::new(Notify::new());
        listeners.insert((tenant, principal), Arc::downgrade(&bell));
        bell
    }

    /// Wakes every listener of `principal`.
    pub fn ring(&self, tenant: TenantId, principal: PrincipalId) {
        let listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = listeners.get(&(tenant, principal)).and_then(Weak::upgrade) {
            bell.notify_waiters();
            bell.notify_one();
        }
    }
}
