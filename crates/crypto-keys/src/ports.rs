//! Where wrapped keys are kept.
use async_trait::async_trait;
use keepgate_kernel::Timestamp;
use keepgate_policy::Consent;
use keepgate_store::StoreError;

use crate::Wrapped;

/// A tenant's data key as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its number within the tenant, from 1.
    pub version: i32,
    /// The wrapped key.
    pub wrapped: Wrapped,
    /// A copy for the recovery key, if there was one when the key was made. Written, never read by the service.
    pub recovery: Option<Wrapped>,
    /// From when on it may be destroyed. Nothing more is sealed under it; what was sealed still opens.
    pub destroy_after: Option<Timestamp>,
}

/// What people see of a data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyState {
    /// Its number within the tenant, from 1.
    pub version: i32,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it may be destroyed; `None` while it is in use.
    pub destroy_after: Option<Timestamp>,
}

/// The states of the tenant's data keys. Levels 4 and 5 see them; for anybody else there are none.
#[async_trait]
pub trait KeyStates: Send {
    /// Every key, oldest first.
    async fn key_states(&mut self) -> Result<Vec<KeyState>, StoreError>;

    /// Marks the key that two people agreed to end, using their approval up: from now on nothing more is sealed under it, and in
    /// seven days of the store's own clock it may be destroyed. `false` when there is no such key, or it is marked already.
    /// `Forbidden` when live rows contradict the consent, and to everybody but level 5.
    async fn condemn_key(&mut self, consent: &Consent) -> Result<bool, StoreError>;
}

/// The wrapped data keys of the transaction's tenant. Only Keepgate's own worker sees them: for anybody else there are none.
#[async_trait]
pub trait DataKeys: Send {
    /// Every version, newest first; empty before the first one.
    async fn data_keys(&mut self) -> Result<Vec<StoredKey>, StoreError>;

    /// Stores a version that does not exist yet. `false` and no change when it does: the one stored first stays.
    async fn add_data_key(&mut self, key: &StoredKey) -> Result<bool, StoreError>;
}
