//! The signing keys of the tenants' logs, opened with the key-encryption key and kept.
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use keepgate_crypto_keys::{Kek, log_signing_key};
use keepgate_kernel::TenantId;
use keepgate_merkle::note::NoteSigner;
use keepgate_store::StoreError;
use sqlx::PgPool;

/// Signers by tenant. As `kg_integrator`.
pub struct Signers {
    pool: PgPool,
    kek: Kek,
    known: RwLock<HashMap<TenantId, Arc<NoteSigner>>>,
}

impl Signers {
    /// Over `pool`, apart from the integrator's own connection: it asks in the middle of a transaction.
    pub fn new(pool: PgPool, kek: Kek) -> Self {
        Self {
            pool,
            kek,
            known: RwLock::new(HashMap::new()),
        }
    }

    /// The signer of `tenant`'s log, which is named `origin`. The first call of a tenant makes its key.
    ///
    /// # Errors
    /// Those of the store; a key that another key file wrapped is corrupt.
    pub async fn signer(&self, tenant: TenantId, origin: &str) -> Result<Arc<NoteSigner>, StoreError> {
        let known = |signer: &&Arc<NoteSigner>| signer.verifier().name().as_str() == origin;
        if let Some(signer) = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&tenant)
            .filter(known)
        {
            return Ok(signer.clone());
        }
        let mut connection = self.pool.acquire().await?;
        let seed = log_signing_key(&mut connection, &self.kek, tenant).await?;
        let name = origin.parse().map_err(|_| StoreError::corrupt("audit.log", "origin"))?;
        let signer = NoteSigner::from_seed(name, seed.bytes())
            .map_err(|_| StoreError::corrupt("keys.signing_key", "wrapped"))?;
        let signer = Arc::new(signer);
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(tenant, signer.clone());
        Ok(signer)
    }

    /// The verifier key of `tenant`'s log as text; `None` before its first entry was numbered.
    ///
    /// # Errors
    /// As [`Signers::signer`].
    pub async fn verifier(&self, tenant: TenantId) -> Result<Option<String>, StoreError> {
        let origin = sqlx::query_scalar!("select origin from audit.log where tenant_id = $1", tenant.uuid());
        let Some(origin) = origin.fetch_optional(&self.pool).await? else {
            return Ok(None);
        };
        Ok(Some(self.signer(tenant, &origin).await?.verifier().to_string()))
    }

    /// Closes the integrator's connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl std::fmt::Debug for Signers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signers").finish_non_exhaustive()
    }
}
