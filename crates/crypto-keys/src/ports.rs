//! Where wrapped keys are kept.
use async_trait::async_trait;
use keepgate_kernel::{TenantId, Timestamp};
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

/// What shows that a key was ended by two people's decision: random, and told to nobody before that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndProof(pub [u8; 32]);

/// A data key that was destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedKey {
    /// Its number within the tenant, from 1.
    pub version: i32,
    /// When it was destroyed.
    pub at: Timestamp,
    /// What ends it again in a store that is older than that.
    pub proof: EndProof,
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
    /// When it was destroyed.
    pub destroyed_at: Option<Timestamp>,
    /// It is the one that seals.
    pub seals: bool,
    /// How many values are sealed under it, as last counted, less those that were sealed anew since. `None` for the one that seals, for one
    /// that is destroyed, and before the first count.
    pub remaining: Option<u64>,
    /// How many of them can't be opened: they were damaged.
    pub unreadable: u64,
    /// Nothing is sealed under it any more: nothing was there when nobody could seal under it any more.
    pub clean: bool,
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

    /// Stores the next version, which seals from now on. `false` when it is not the next any more; `Forbidden` to everybody but level 5
    /// with a fresh log-in.
    async fn rotate_data_key(&mut self, next: &StoredKey) -> Result<bool, StoreError>;

    /// Takes the mark for destruction off. `false` when there is none, or its day has come; `Forbidden` as for a rotation.
    async fn keep_data_key(&mut self, version: i32) -> Result<bool, StoreError>;
}

/// The wrapped data keys of the transaction's tenant. Only Keepgate's own worker sees them: for anybody else there are none.
#[async_trait]
pub trait DataKeys: Send {
    /// Every version, newest first; empty before the first one.
    async fn data_keys(&mut self) -> Result<Vec<StoredKey>, StoreError>;

    /// Stores a version that does not exist yet. `false` and no change when it does: the one stored first stays.
    async fn add_data_key(&mut self, key: &StoredKey) -> Result<bool, StoreError>;

    /// The highest version there ever was, destroyed ones among them; 0 before the first one.
    async fn newest_data_key(&mut self) -> Result<i32, StoreError>;

    /// The versions whose days of grace are over, by the store's clock, and that are not destroyed yet.
    async fn due_data_keys(&mut self) -> Result<Vec<i32>, StoreError>;

    /// The versions that are destroyed.
    async fn ended_data_keys(&mut self) -> Result<Vec<EndedKey>, StoreError>;

    /// Whether `proof` is of the key that goes by that version here; `None` when there is no such key, or it is destroyed.
    async fn proves_end(&mut self, version: i32, proof: &EndProof) -> Result<Option<bool>, StoreError>;

    /// Destroys a version that is due, or one that `proof` is of: nothing it was wrapped to is left. `false` when it was not due, or gone
    /// before; `Forbidden` with the proof of another key.
    async fn end_data_key(&mut self, version: i32, proof: Option<&EndProof>) -> Result<bool, StoreError>;

    /// Tenants with versions that are due or destroyed; for the platform's own worker, and for anybody else there are none.
    async fn tenants_with_key_ends(&mut self) -> Result<Vec<TenantId>, StoreError>;
}
