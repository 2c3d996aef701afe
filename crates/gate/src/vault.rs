//! The tenants' data keys, opened, and what is sealed under them.
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use chrono::TimeDelta;
use keepgate_audit::AuditLog;
use keepgate_crypto_keys::{
    CryptoError, DataKey, DataKeys, EnsureDataKey, EnsureKeyError, Kek, Place, StoredKey, sealed_version,
};
use keepgate_kernel::{RequestId, TenantId, Timestamp};
use keepgate_policy::OpContext;
use keepgate_store::{StoreError, Transaction};
use zeroize::Zeroizing;

use crate::{Failure, Gate, openings::Subjects};

/// Why a value can't be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The sealed value does not open, or the library failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The tenant's key can't be read or made.
    #[error("the tenant's data key is not available")]
    Key(#[source] Failure<EnsureKeyError>),
    /// The stored key was wrapped by another key file.
    #[error("the tenant's data key was wrapped by another key file")]
    ForeignKek,
}

impl From<VaultError> for StoreError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Key(Failure::Store(error)) => error,
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

/// How long opened keys are used before they are looked up again: another instance may have marked one for destruction.
const RELOAD: TimeDelta = TimeDelta::seconds(10);

/// A tenant's opened keys, newest first.
#[derive(Debug)]
struct Opened {
    keys: Vec<DataKey>,
    /// The newest that still seals.
    sealing: Option<i32>,
    until: Timestamp,
}

impl Opened {
    fn find(&self, version: i32) -> Option<&DataKey> {
        self.keys.iter().find(|key| key.version() == version)
    }

    fn sealing(&self) -> Option<&DataKey> {
        self.sealing.and_then(|version| self.find(version))
    }
}

type Ring = Arc<Opened>;

/// Opened data keys by tenant, newest first.
#[derive(Debug)]
pub struct Vault {
    kek: Kek,
    rings: RwLock<HashMap<TenantId, Ring>>,
    pub(crate) subjects: Subjects,
}

impl Vault {
    /// A vault whose keys are wrapped by `kek`.
    #[must_use]
    pub fn new(kek: Kek) -> Self {
        Self {
            kek,
            rings: RwLock::new(HashMap::new()),
            subjects: Subjects::default(),
        }
    }

    pub(crate) const fn kek(&self) -> &Kek {
        &self.kek
    }

    fn cached(&self, tenant: TenantId) -> Option<Ring> {
        self.rings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&tenant)
            .cloned()
    }

    fn forget(&self, tenant: TenantId) {
        self.rings
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&tenant);
    }

    fn open_ring(&self, tenant: TenantId, stored: &[StoredKey], now: Timestamp) -> Result<Ring, VaultError> {
        let open = |key: &StoredKey| {
            self.kek
                .unwrap(&key.wrapped, tenant.uuid().as_bytes(), key.version)
                .map_err(|_| VaultError::ForeignKek)
        };
        let sealing = stored.iter().find(|key| key.destroy_after.is_none());
        let ring: Ring = Arc::new(Opened {
            keys: stored.iter().map(open).collect::<Result<_, _>>()?,
            sealing: sealing.map(|key| key.version),
            until: now + RELOAD,
        });
        self.rings
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(tenant, ring.clone());
        Ok(ring)
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
        match self.vault.cached(tenant) {
            Some(ring) if ring.sealing.is_some() && self.clock.now() < ring.until => Ok(ring),
            _ => self.load(tenant).await,
        }
    }

    /// Looks the tenant's keys up again before anything more is sealed by this instance; others do within [`RELOAD`].
    pub fn reload_keys(&self, tenant: TenantId) {
        self.vault.forget(tenant);
    }

    /// Seals `plaintext` for `place` under the tenant's newest key that is not marked for destruction; without one it makes one.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn seal(&self, place: &Place, plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        let ring = self.sealing_ring(place.tenant).await?;
        let newest = ring.sealing().ok_or(VaultError::ForeignKek)?;
        Ok(newest.seal(place, plaintext)?)
    }

    /// Opens what [`Gate::seal`] made for the same place.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn open(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let version = sealed_version(sealed).map_err(CryptoError::from)?;
        let cached = self.vault.cached(place.tenant);
        let ring = match cached.filter(|ring| ring.find(version).is_some()) {
            Some(ring) => ring,
            None => self.load(place.tenant).await?,
        };
        let key = ring.find(version).ok_or(VaultError::ForeignKek)?;
        Ok(key.open(place, sealed)?)
    }

    async fn load(&self, tenant: TenantId) -> Result<Ring, VaultError> {
        if let Some(keys) = &self.keys {
            return Box::pin(keys.load(tenant)).await;
        }
        let now = self.clock.now();
        let worker = OpContext::system(tenant, RequestId::new(now), now);
        let store = |error| VaultError::Key(Failure::Store(error));
        let stored = self
            .store
            .begin(&worker)
            .await
            .map_err(store)?
            .data_keys()
            .await
            .map_err(store)?;
        if stored.iter().any(|key| key.destroy_after.is_none()) {
            return self.vault.open_ring(tenant, &stored, now);
        }
        let version = stored.first().map_or(1, |newest| newest.version + 1);
        let key = DataKey::generate(version)?;
        let wrapped = self.vault.kek.wrap(&key, tenant.uuid().as_bytes())?;
        let ensure = EnsureDataKey {
            tenant,
            candidate: StoredKey {
                version,
                wrapped,
                destroy_after: None,
            },
        };
        let done = self.perform(&worker, &ensure).await.map_err(VaultError::Key)?;
        self.vault.open_ring(tenant, &done.output, now)
    }
}
