//! The tenants' data keys, opened, and what is sealed under them.
//!
//! The key service is asked when a tenant's key is made and when it is opened. An opened key is opened again after a third of the time
//! it may be held ([`HOLD`] unless told otherwise). While the service can't be reached the key serves on, until that time is over: then
//! nothing more is sealed or opened for that tenant, and callers get 503. A key that the service refuses for good (its version was
//! revoked, access was taken away) is dropped at once.
mod ring;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use keepgate_audit::AuditLog;
use keepgate_crypto_keys::{
    CryptoError, DataKey, DataKeys, EnsureDataKey, EnsureKeyError, KeyContext, KeyService, KeyServiceError, Place,
    RecoveryKey, SigningSeed, StoredKey, sealed_version,
};
use keepgate_kernel::{RequestId, TenantId, Timestamp};
use keepgate_policy::OpContext;
use keepgate_store::{StoreError, Transaction};
use tokio::time::Instant;
use zeroize::Zeroizing;

pub(crate) use self::ring::{OpenKey, Ring};
use crate::{Failure, Gate, openings::Subjects};

/// How long an opened key is used while the key service can't be asked.
pub const HOLD: Duration = Duration::from_mins(15);
/// The most tenants whose keys are open at a time.
const MOST: usize = 50_000;

/// Why a value can't be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The sealed value does not open, or the library failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The tenant's key can't be read or made.
    #[error("the tenant's data key is not available")]
    Key(#[source] Failure<EnsureKeyError>),
    /// The key service does not open the tenant's key.
    #[error("the tenant's data key can't be opened")]
    Root(#[source] Arc<KeyServiceError>),
    /// There is no key of that version: it was destroyed, or never was.
    #[error("the tenant has no such data key")]
    Gone,
}

impl From<KeyServiceError> for VaultError {
    fn from(error: KeyServiceError) -> Self {
        Self::Root(Arc::new(error))
    }
}

impl From<VaultError> for StoreError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Key(Failure::Store(error)) => error,
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

/// Opened data keys by tenant.
#[derive(Debug)]
pub struct Vault {
    root: Arc<dyn KeyService>,
    recovery: Option<RecoveryKey>,
    hold: Duration,
    rings: RwLock<HashMap<TenantId, Ring>>,
    /// One look at a tenant's keys at a time.
    turns: Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>>,
    pub(crate) subjects: Subjects,
}

impl Vault {
    /// A vault whose keys are wrapped by `root`.
    #[must_use]
    pub fn new(root: Arc<dyn KeyService>) -> Self {
        Self {
            root,
            recovery: None,
            hold: HOLD,
            rings: RwLock::default(),
            turns: Mutex::default(),
            subjects: Subjects::default(),
        }
    }

    /// The same, with another time that opened keys are held.
    #[must_use]
    pub fn holding(self, hold: Duration) -> Self {
        Self { hold, ..self }
    }

    /// The same; a copy of each new key is made for `recovery`.
    #[must_use]
    pub fn recoverable(self, recovery: Option<RecoveryKey>) -> Self {
        Self { recovery, ..self }
    }

    pub(crate) fn root(&self) -> &dyn KeyService {
        &*self.root
    }

    /// The tenant's ring, as it was last looked at.
    pub(crate) fn cached(&self, tenant: TenantId) -> Option<Ring> {
        let rings = self.rings.read().unwrap_or_else(PoisonError::into_inner);
        rings.get(&tenant).cloned()
    }

    /// The key that seals for `tenant`, opened before.
    pub(crate) fn sealing(&self, tenant: TenantId) -> Result<Arc<OpenKey>, VaultError> {
        let ring = self.cached(tenant).ok_or(VaultError::Gone)?;
        ring.sealing(self.hold).cloned()
    }

    /// The key of `version` in `ring`.
    pub(crate) fn found(&self, ring: &Ring, version: i32) -> Result<Arc<OpenKey>, VaultError> {
        ring.find(version, self.hold).cloned()
    }

    fn forget(&self, tenant: TenantId) {
        let mut rings = self.rings.write().unwrap_or_else(PoisonError::into_inner);
        rings.remove(&tenant);
    }

    fn keep(&self, tenant: TenantId, ring: &Ring) {
        let mut rings = self.rings.write().unwrap_or_else(PoisonError::into_inner);
        if rings.len() >= MOST {
            let now = Instant::now();
            rings.retain(|_, ring| ring.is_held(now, self.hold));
            // All of them in use: they are opened anew as they are needed.
            if rings.len() >= MOST {
                rings.clear();
            }
        }
        rings.insert(tenant, ring.clone());
    }

    /// Drops the keys that nobody used for as long as they may be held. Returns how many tenants' keys are open.
    pub(crate) fn sweep(&self) -> usize {
        let now = Instant::now();
        let mut rings = self.rings.write().unwrap_or_else(PoisonError::into_inner);
        rings.retain(|_, ring| ring.is_held(now, self.hold));
        let open = rings.len();
        drop(rings);
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        open
    }

    fn turn(&self, tenant: TenantId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(tenant).or_default().clone()
    }

    async fn open_ring(&self, tenant: TenantId, stored: &[StoredKey], now: Timestamp) -> Ring {
        let before = self.cached(tenant);
        let ring = ring::open(&*self.root, tenant, stored, before.as_deref(), now, self.hold).await;
        self.keep(tenant, &ring);
        ring
    }

    pub(crate) async fn make(&self, tenant: TenantId, version: i32) -> Result<StoredKey, VaultError> {
        let key = DataKey::generate(version)?;
        let context = KeyContext::new("dek", tenant.uuid().as_bytes(), version);
        let recovery = self.recovery.as_ref().map(|recovery| recovery.wrap(&context, &key));
        Ok(StoredKey {
            version,
            wrapped: key.wrap(&*self.root, tenant).await?,
            recovery: recovery.transpose()?,
            destroy_after: None,
        })
    }
}

impl<T: Transaction + AuditLog + DataKeys + ?Sized + 'static> Gate<T> {
    /// Makes sure that sealing and opening for `tenant` need no transaction of their own.
    pub(crate) async fn warm(&self, tenant: TenantId) -> Result<(), VaultError> {
        self.sealing_ring(tenant).await?;
        Ok(())
    }

    /// A ring that was looked up a moment ago and has a key to seal with.
    async fn sealing_ring(&self, tenant: TenantId) -> Result<Ring, VaultError> {
        let fresh = |ring: &Ring| ring.is_fresh(self.clock.now(), self.vault.hold);
        match self.vault.cached(tenant).filter(fresh) {
            Some(ring) => Ok(ring),
            None => {
                let usable = |ring: &Ring| ring.sealing(self.vault.hold).is_ok();
                self.load(tenant, fresh, usable).await
            }
        }
    }

    /// Looks the tenant's keys up again before anything more is sealed by this instance; others do within 10 seconds.
    pub fn reload_keys(&self, tenant: TenantId) {
        self.vault.forget(tenant);
    }

    /// Drops keys that nobody uses any more.
    pub fn sweep_keys(&self) {
        let open = self.vault.sweep();
        metrics::gauge!("keepgate_open_data_keys").set(f64::from(u32::try_from(open).unwrap_or(u32::MAX)));
    }

    /// Seals `plaintext` for `place` under the tenant's newest key that is not marked for destruction; without one it makes one.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn seal(&self, place: &Place, plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        let ring = self.sealing_ring(place.tenant).await?;
        Ok(ring.sealing(self.vault.hold)?.seal(place, plaintext)?)
    }

    /// The keys that sign the tenant's webhooks, newest first. While the tenant's key follows another, both sign.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn webhook_seeds(&self, tenant: TenantId) -> Result<Vec<SigningSeed>, VaultError> {
        let ring = self.sealing_ring(tenant).await?;
        ring.webhook_seeds(self.vault.hold)
    }

    /// Opens what [`Gate::seal`] made for the same place.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn open(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let version = sealed_version(sealed).map_err(CryptoError::from)?;
        let ring = self.ring_with(place.tenant, version).await?;
        Ok(ring.find(version, self.vault.hold)?.open(place, sealed)?)
    }

    /// A ring in which that version is open.
    pub(crate) async fn ring_with(&self, tenant: TenantId, version: i32) -> Result<Ring, VaultError> {
        let has = |ring: &Ring| ring.find(version, self.vault.hold).is_ok();
        match self.vault.cached(tenant).filter(has) {
            Some(ring) => Ok(ring),
            None => self.load(tenant, has, has).await,
        }
    }

    /// Looks the tenant's keys up, unless `enough` of them is there by now. While somebody else looks, what is `usable` is used.
    async fn load(
        &self,
        tenant: TenantId,
        enough: impl Fn(&Ring) -> bool + Send,
        usable: impl Fn(&Ring) -> bool + Send,
    ) -> Result<Ring, VaultError> {
        let turn = self.vault.turn(tenant);
        let _turn = match turn.try_lock() {
            Ok(turn) => turn,
            Err(_) => match self.vault.cached(tenant).filter(usable) {
                Some(ring) => return Ok(ring),
                None => turn.lock().await,
            },
        };
        // Who waited does not ask a failing service again at once.
        match self
            .vault
            .cached(tenant)
            .filter(|ring| enough(ring) || ring.has_just_failed())
        {
            Some(ring) => Ok(ring),
            None => self.look_up(tenant).await,
        }
    }

    /// Boxed: making a key is an operation, which may itself need one.
    fn look_up(
        &self,
        tenant: TenantId,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Ring, VaultError>> + Send + '_>> {
        Box::pin(async move {
            if let Some(keys) = &self.keys {
                return keys.look_up(tenant).await;
            }
            let now = self.clock.now();
            let worker = OpContext::system(tenant, RequestId::new(now), now);
            let stored = self.stored_keys(&worker).await?;
            if stored.iter().any(|key| key.destroy_after.is_none()) {
                return Ok(self.vault.open_ring(tenant, &stored, now).await);
            }
            let ensure = EnsureDataKey {
                tenant,
                candidate: self.new_data_key(tenant).await?,
            };
            let done = self.perform(&worker, &ensure).await.map_err(VaultError::Key)?;
            Ok(self.vault.open_ring(tenant, &done.output, now).await)
        })
    }

    async fn stored_keys(&self, worker: &OpContext) -> Result<Vec<StoredKey>, VaultError> {
        let store = |error| VaultError::Key(Failure::Store(error));
        let mut tx = self.store.begin(worker).await.map_err(store)?;
        tx.data_keys().await.map_err(store)
    }
}

#[cfg(test)]
mod tests;
