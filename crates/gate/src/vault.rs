//! The tenants' data keys, opened, and what is sealed under them.
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use keepgate_audit::AuditLog;
use keepgate_crypto_keys::{
    CryptoError, DataKey, DataKeys, EnsureDataKey, EnsureKeyError, Kek, Place, StoredKey, sealed_version,
};
use keepgate_kernel::{RequestId, TenantId};
use keepgate_policy::OpContext;
use keepgate_store::{StoreError, Transaction};
use zeroize::Zeroizing;

use crate::{Failure, Gate};

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

type Ring = Arc<Vec<DataKey>>;

/// Opened data keys by tenant, newest first.
#[derive(Debug)]
pub struct Vault {
    kek: Kek,
    rings: RwLock<HashMap<TenantId, Ring>>,
}

impl Vault {
    /// A vault whose keys are wrapped by `kek`.
    #[must_use]
    pub fn new(kek: Kek) -> Self {
        Self {
            kek,
            rings: RwLock::new(HashMap::new()),
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

    fn open_ring(&self, tenant: TenantId, stored: &[StoredKey]) -> Result<Ring, VaultError> {
        let open = |key: &StoredKey| {
            self.kek
                .unwrap(&key.wrapped, tenant.uuid().as_bytes(), key.version)
                .map_err(|_| VaultError::ForeignKek)
        };
        let ring: Ring = Arc::new(stored.iter().map(open).collect::<Result<_, _>>()?);
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
        if self.vault.cached(tenant).is_none() {
            self.load(tenant).await?;
        }
        Ok(())
    }

    /// Seals `plaintext` for `place` under the tenant's newest key; the first call of a tenant makes that key.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn seal(&self, place: &Place, plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        let ring = match self.vault.cached(place.tenant) {
            Some(ring) if !ring.is_empty() => ring,
            _ => self.load(place.tenant).await?,
        };
        let newest = ring.first().ok_or(VaultError::ForeignKek)?;
        Ok(newest.seal(place, plaintext)?)
    }

    /// Opens what [`Gate::seal`] made for the same place.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn open(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let version = sealed_version(sealed).map_err(CryptoError::from)?;
        let find = |ring: Ring| {
            let at = ring.iter().position(|key| key.version() == version)?;
            Some((ring, at))
        };
        let found = match self.vault.cached(place.tenant).and_then(find) {
            Some(found) => Some(found),
            None => find(self.load(place.tenant).await?),
        };
        let key = found
            .as_ref()
            .and_then(|(ring, at)| ring.get(*at))
            .ok_or(VaultError::ForeignKek)?;
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
        if !stored.is_empty() {
            return self.vault.open_ring(tenant, &stored);
        }
        let key = DataKey::generate(1)?;
        let wrapped = self.vault.kek.wrap(&key, tenant.uuid().as_bytes())?;
        let ensure = EnsureDataKey {
            tenant,
            candidate: StoredKey { version: 1, wrapped },
        };
        let done = self.perform(&worker, &ensure).await.map_err(VaultError::Key)?;
        self.vault.open_ring(tenant, &done.output)
    }
}
