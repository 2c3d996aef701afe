//! The signing keys of the logs, opened with the root key and kept.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use keepgate_audit::LogKeys;
use keepgate_crypto_keys::{
    KeyService, OpenLogKey, SigningPurpose, destroy_ended_log_keys, log_key_generation, log_signing_keys,
};
use keepgate_kernel::TenantId;
use keepgate_merkle::{
    cosignature::{Cosigner, Scheme},
    note::{KeyName, NoteSigner},
};
use keepgate_store::{StoreError, postgres::acquire};
use sqlx::PgPool;

/// A key that begins or ceases to sign is noticed so soon.
const STALE: Duration = Duration::from_millis(500);

/// What has been opened.
#[derive(Default)]
struct Opened {
    /// By tenant and purpose.
    keys: HashMap<(TenantId, &'static str), Arc<LogKeys>>,
    /// Which keys there were when it was looked last, and when that was.
    generation: Option<((i64, i64), Instant)>,
}

/// Signers by log. As `kg_integrator`.
pub struct Signers {
    pool: PgPool,
    root: Arc<dyn KeyService>,
    platform: TenantId,
    ml_dsa: bool,
    opened: Mutex<Opened>,
}

impl Signers {
    /// Over `pool`, apart from the integrator's own connection: it asks in the middle of a transaction. The log of logs is
    /// `platform`'s; with `ml_dsa`, each key has an ML-DSA-44 key beside it.
    pub fn new(pool: PgPool, root: Arc<dyn KeyService>, platform: TenantId, ml_dsa: bool) -> Self {
        Self {
            pool,
            root,
            platform,
            ml_dsa,
            opened: Mutex::new(Opened::default()),
        }
    }

    /// What signs `tenant`'s log, which is named `origin`. The first call of a tenant makes its key.
    ///
    /// # Errors
    /// Those of the store; a key that another root key wrapped is corrupt.
    pub async fn of_tenant(&self, tenant: TenantId, origin: &str) -> Result<Arc<LogKeys>, StoreError> {
        self.open(tenant, SigningPurpose::AuditLog, origin).await
    }

    /// What signs the log of logs, which is named `origin`.
    ///
    /// # Errors
    /// As [`Signers::of_tenant`].
    pub async fn of_meta(&self, origin: &str) -> Result<Arc<LogKeys>, StoreError> {
        self.open(self.platform, SigningPurpose::MetaLog, origin).await
    }

    async fn open(&self, tenant: TenantId, purpose: SigningPurpose, origin: &str) -> Result<Arc<LogKeys>, StoreError> {
        self.look().await?;
        let at = (tenant, purpose.as_str());
        let known = self.opened().keys.get(&at).cloned();
        if let Some(known) = known.filter(|known| known.name() == origin) {
            return Ok(known);
        }
        let mut connection = acquire(&self.pool).await?;
        let open = log_signing_keys(&mut connection, &*self.root, tenant, purpose).await?;
        let keys = Arc::new(self.assemble(&open, origin)?);
        self.opened().keys.insert(at, keys.clone());
        Ok(keys)
    }

    /// Forgets what was opened when keys have changed since.
    async fn look(&self) -> Result<(), StoreError> {
        let fresh = |(_, at): &((i64, i64), Instant)| at.elapsed() < STALE;
        if self.opened().generation.as_ref().is_some_and(fresh) {
            return Ok(());
        }
        let mut connection = acquire(&self.pool).await?;
        let now = log_key_generation(&mut connection).await?;
        let mut opened = self.opened();
        if opened.generation.is_none_or(|(before, _)| before != now) {
            opened.keys.clear();
        }
        opened.generation = Some((now, Instant::now()));
        Ok(())
    }

    fn opened(&self) -> std::sync::MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn assemble(&self, open: &[OpenLogKey], origin: &str) -> Result<LogKeys, StoreError> {
        let broken = || StoreError::corrupt("keys.signing_key", "wrapped");
        let name: KeyName = origin.parse().map_err(|_| StoreError::corrupt("audit.log", "origin"))?;
        let signer = |key: &OpenLogKey| NoteSigner::from_seed(name.clone(), key.seed.bytes()).map_err(|_| broken());
        let (first, former) = open.split_first().ok_or_else(broken)?;
        let former = former.iter().map(signer).collect::<Result<_, _>>()?;
        let mut second = Vec::new();
        for key in open.iter().filter(|_| self.ml_dsa) {
            let seed = key
                .seed
                .derive("ml-dsa-44")
                .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
            let cosigner = Cosigner::from_seed(name.clone(), Scheme::MlDsa44, &seed);
            second.push(cosigner.map_err(|_| broken())?);
        }
        Ok(LogKeys::new(signer(first)?, former, second))
    }

    /// The verifier keys of `tenant`'s log, one a line, the newest first; `None` before its first entry was numbered.
    ///
    /// # Errors
    /// As [`Signers::of_tenant`].
    pub async fn verifier(&self, tenant: TenantId) -> Result<Option<String>, StoreError> {
        let origin = sqlx::query_scalar!("select origin from audit.log where tenant_id = $1", tenant.uuid());
        let Some(origin) = origin.fetch_optional(&mut *acquire(&self.pool).await?).await? else {
            return Ok(None);
        };
        Ok(Some(lines(&*self.of_tenant(tenant, &origin).await?)))
    }

    /// The verifier keys of the log of logs; `None` before its first leaf.
    ///
    /// # Errors
    /// As [`Signers::of_tenant`].
    pub async fn meta_verifier(&self) -> Result<Option<String>, StoreError> {
        let origin = sqlx::query_scalar!("select origin from audit.meta_log");
        let Some(origin) = origin.fetch_optional(&mut *acquire(&self.pool).await?).await? else {
            return Ok(None);
        };
        Ok(Some(lines(&*self.of_meta(&origin).await?)))
    }

    /// Destroys the seeds of keys that have signed for the last time. Returns how many.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn destroy_ended(&self) -> Result<u64, StoreError> {
        let mut connection = acquire(&self.pool).await?;
        destroy_ended_log_keys(&mut connection).await
    }

    /// Closes the integrator's connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// The Ed25519 keys, then the ML-DSA-44 ones, each newest first.
fn lines(keys: &LogKeys) -> String {
    let signers = keys.signers().map(|signer| signer.verifier().to_string());
    let cosigners = keys.cosigners().map(|cosigner| cosigner.verifier().to_string());
    signers.chain(cosigners).collect::<Vec<_>>().join("\n")
}

impl std::fmt::Debug for Signers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signers").finish_non_exhaustive()
    }
}
