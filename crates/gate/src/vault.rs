//! The tenants' data keys, opened, and what is sealed under them.
//!
//! The key service is asked when a tenant's key is made and when it is opened. An opened key is opened again after a third of the time
//! it may be held ([`HOLD`] unless told otherwise). While the service can't be reached the key serves on, until that time is over: then
//! nothing more is sealed or opened for that tenant, and callers get 503. A key that the service refuses for good (its version was
//! revoked, access was taken away) is dropped at once.
mod ring;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
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

use self::ring::Read;
pub(crate) use self::ring::{OpenKey, Ring};
use crate::{Failure, Gate, openings::Subjects, reseal::Touched};

/// How long an opened key is used while the key service can't be asked.
pub const HOLD: Duration = Duration::from_mins(15);
/// So long after a rotation every instance has looked at the keys again, and some more.
pub(crate) const RELOADED: Duration = Duration::from_secs(15);
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
    /// The key of that version was destroyed.
    #[error("the key that this was sealed under was destroyed; nothing opens it any more")]
    Gone,
    /// There never was a key of that version: the sealed value was edited.
    #[error("the tenant never had such a data key")]
    Unknown,
    /// No key is open, of those that seal.
    #[error("no data key of the tenant is open")]
    Shut,
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
            VaultError::Gone => Self::KeyGone,
            VaultError::Unknown => Self::corrupt("keys.data_key", "version"),
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
    /// How often somebody said that stored keys have changed. What was read before the last time is read again before it is used.
    epoch: AtomicU64,
    pub(crate) subjects: Subjects,
    pub(crate) touched: Touched,
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
            epoch: AtomicU64::new(0),
            subjects: Subjects::default(),
            touched: Touched::default(),
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
        let ring = self.cached(tenant).ok_or(VaultError::Shut)?;
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

    /// When the stored keys are read from now on.
    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Nothing that was read until now is used again without a look at the stored keys. What is open stays open for whoever is at work
    /// with it, and is not taken to the key service again.
    fn expire(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether the stored keys need not be read again.
    fn is_current(&self, ring: &Ring, now: Timestamp) -> bool {
        ring.epoch() == self.epoch() && ring.is_young(now)
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

    async fn open_ring(&self, tenant: TenantId, stored: &[StoredKey], read: Read) -> Ring {
        let before = self.cached(tenant);
        let ring = ring::open(&*self.root, tenant, stored, before.as_deref(), read, self.hold).await;
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
        let now = self.clock.now();
        let fresh = |ring: &Ring| self.vault.is_current(ring, now) && ring.is_fresh(self.vault.hold);
        match self.vault.cached(tenant).filter(fresh) {
            Some(ring) => Ok(ring),
            None => {
                let usable = |ring: &Ring| ring.sealing(self.vault.hold).is_ok();
                self.load(tenant, fresh, usable).await
            }
        }
    }

    /// Stored keys have changed: this instance reads them again before it seals or opens anything more. Others do within 10 seconds.
    pub fn reload_keys(&self) {
        self.vault.expire();
    }

    /// Keys have come to their end: what this instance has open of `tenants` leaves its memory now.
    pub(crate) async fn drop_ended(&self, tenants: &[TenantId]) {
        for tenant in tenants {
            self.vault.subjects.forget(*tenant);
            if self.vault.cached(*tenant).is_some() && self.look_up(*tenant).await.is_err() {
                self.vault.forget(*tenant);
            }
        }
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

    /// Opens what [`Gate::seal`] made for the same place. What is under an older key is sealed anew soon, because it is in use.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn open(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let opened = self.open_at_rest(place, sealed).await?;
        let version = sealed_version(sealed).map_err(CryptoError::from)?;
        if self
            .vault
            .sealing(place.tenant)
            .is_ok_and(|newest| version < newest.version())
        {
            self.vault.touched.note(place);
        }
        Ok(opened)
    }

    /// The same, and nothing follows from it.
    pub(crate) async fn open_at_rest(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let version = sealed_version(sealed).map_err(CryptoError::from)?;
        let ring = self.ring_with(place.tenant, version).await?;
        Ok(ring.find(version, self.vault.hold)?.open(place, sealed)?)
    }

    /// A ring in which that version is open.
    pub(crate) async fn ring_with(&self, tenant: TenantId, version: i32) -> Result<Ring, VaultError> {
        let now = self.clock.now();
        let has = |ring: &Ring| ring.find(version, self.vault.hold).is_ok();
        let current = |ring: &Ring| self.vault.is_current(ring, now) && has(ring);
        match self.vault.cached(tenant).filter(current) {
            Some(ring) => Ok(ring),
            None => self.load(tenant, current, has).await,
        }
    }

    /// Looks the tenant's keys up, unless `enough` of them is there by now. While somebody else looks, what is `usable` is used.
    async fn load(
        &self,
        tenant: TenantId,
        enough: impl Fn(&Ring) -> bool + Send,
        usable: impl Fn(&Ring) -> bool + Send,
    ) -> Result<Ring, VaultError> {
        let told = |ring: &Ring| ring.epoch() == self.vault.epoch();
        let turn = self.vault.turn(tenant);
        let _turn = match turn.try_lock() {
            Ok(turn) => turn,
            Err(_) => match self.vault.cached(tenant).filter(|ring| told(ring) && usable(ring)) {
                Some(ring) => return Ok(ring),
                None => turn.lock().await,
            },
        };
        // Who waited does not ask a failing service again at once.
        match self
            .vault
            .cached(tenant)
            .filter(|ring| enough(ring) || told(ring) && ring.has_just_failed())
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
            let epoch = self.vault.epoch();
            let read = Read { now, epoch };
            let worker = OpContext::system(tenant, RequestId::new(now), now);
            let stored = self.stored_keys(&worker).await?;
            if stored.iter().any(|key| key.destroy_after.is_none()) {
                return Ok(self.vault.open_ring(tenant, &stored, read).await);
            }
            let ensure = EnsureDataKey {
                tenant,
                candidate: self.new_data_key(tenant).await?,
            };
            let done = self.perform(&worker, &ensure).await.map_err(VaultError::Key)?;
            Ok(self.vault.open_ring(tenant, &done.output, read).await)
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
