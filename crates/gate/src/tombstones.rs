//! The second copy of who was erased, and of which keys were destroyed, outside the database: one from before that brings nothing back.
use std::sync::Arc;

use async_trait::async_trait;
use keepgate_audit::{AuditLog, Erasures};
use keepgate_crypto_keys::{DataKeys, EndProof, EndedKey};
use keepgate_kernel::{ErasureId, PrincipalId, RequestId, TenantId, Timestamp};
use keepgate_policy::OpContext;
use keepgate_store::{StoreError, Transaction};

use crate::{
    Failure, Gate,
    operations::{EndStrangers, EraseAgain},
};

/// Who was erased and which keys were destroyed, kept where no backup of the database reaches: numbers and times, nothing about a person.
#[async_trait]
pub trait Tombstones: Send + Sync + std::fmt::Debug {
    /// Keeps one, durable when this returns. Keeping it again changes nothing.
    ///
    /// # Errors
    /// The medium failed.
    async fn keep(&self, tenant: TenantId, subject: PrincipalId, erased_at: Timestamp) -> std::io::Result<()>;

    /// All of them.
    ///
    /// # Errors
    /// The medium failed, or holds something else.
    async fn all(&self) -> std::io::Result<Vec<(TenantId, PrincipalId)>>;

    /// The same for a data key that was destroyed. After a database was set back there may be two of one version.
    ///
    /// # Errors
    /// The medium failed.
    async fn keep_key(&self, tenant: TenantId, ended: &EndedKey) -> std::io::Result<()>;

    /// All of those.
    ///
    /// # Errors
    /// The medium failed, or holds something else.
    async fn all_keys(&self) -> std::io::Result<Vec<(TenantId, i32, EndProof)>>;
}

/// Tombstones that are gone with the process: for tests, and for a store that is, too.
#[derive(Debug, Default)]
pub struct MemoryTombstones {
    people: tokio::sync::Mutex<Vec<(TenantId, PrincipalId)>>,
    keys: tokio::sync::Mutex<Vec<(TenantId, i32, EndProof)>>,
}

#[async_trait]
impl Tombstones for MemoryTombstones {
    async fn keep(&self, tenant: TenantId, subject: PrincipalId, _: Timestamp) -> std::io::Result<()> {
        let mut all = self.people.lock().await;
        if !all.contains(&(tenant, subject)) {
            all.push((tenant, subject));
        }
        Ok(())
    }

    async fn all(&self) -> std::io::Result<Vec<(TenantId, PrincipalId)>> {
        Ok(self.people.lock().await.clone())
    }

    async fn keep_key(&self, tenant: TenantId, ended: &EndedKey) -> std::io::Result<()> {
        let mut all = self.keys.lock().await;
        let one = (tenant, ended.version, ended.proof);
        if !all.contains(&one) {
            all.push(one);
        }
        Ok(())
    }

    async fn all_keys(&self) -> std::io::Result<Vec<(TenantId, i32, EndProof)>> {
        Ok(self.keys.lock().await.clone())
    }
}

fn unavailable(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

fn as_store(failure: Failure<StoreError>) -> StoreError {
    match failure {
        Failure::Store(error) | Failure::Command(error) => error,
        Failure::Denied(_) | Failure::KeyReused => StoreError::Forbidden,
    }
}

impl<T: Transaction + AuditLog + DataKeys + Erasures + ?Sized + 'static> Gate<T> {
    fn as_worker(&self, tenant: TenantId) -> OpContext {
        let now = self.clock.now();
        OpContext::system(tenant, RequestId::new(now), now)
    }

    /// Copies who was erased in `tenant` to `tombstones`: an erasure is answered only after this.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is lost, the next pass copies it.
    pub async fn keep_tombstones(&self, tombstones: &dyn Tombstones, tenant: TenantId) -> Result<(), StoreError> {
        let erased = self
            .store
            .begin(&self.as_worker(tenant))
            .await?
            .erased_subjects()
            .await?;
        for (subject, at) in erased {
            tombstones.keep(tenant, subject, at).await.map_err(unavailable)?;
        }
        Ok(())
    }

    /// Makes the two agree: what only the database knows is copied, whom only `tombstones` name is erased again. Returns how many
    /// that were: more than none means that the database was set back.
    ///
    /// # Errors
    /// [`StoreError`]; the next pass goes on.
    pub async fn settle_erasures(
        &self,
        tombstones: &Arc<dyn Tombstones>,
        platform: TenantId,
    ) -> Result<u32, StoreError> {
        let told = self.store.begin(&self.as_worker(platform)).await?;
        let known = { told }.tenants_with_erasures().await?;
        let kept = tombstones.all().await.map_err(unavailable)?;
        let mut again = 0;
        for (tenant, subject) in kept {
            match self.erase_once_more(tenant, subject).await {
                Ok(true) => again += 1,
                Ok(false) => {}
                // Nobody enters a suspended tenant, so nobody reads there either.
                Err(StoreError::Revoked) => {
                    tracing::warn!(tenant = %tenant, "an erasure waits for a tenant that is not active")
                }
                Err(error) => return Err(error),
            }
        }
        for tenant in known {
            match self.keep_tombstones(&**tombstones, tenant).await {
                Ok(()) | Err(StoreError::Revoked) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(again)
    }

    /// Destroys the keys of callers nobody knows that are older than `days` days, in every tenant. Returns how many addresses that were.
    /// A database from before has them, and their age, too: so it is no way back.
    ///
    /// # Errors
    /// [`StoreError`]; the next pass goes on.
    pub async fn end_strangers(&self, days: u16, platform: TenantId) -> Result<u64, StoreError> {
        let told = self.store.begin(&self.as_worker(platform)).await?;
        let due = { told }.tenants_with_strangers(days).await?;
        let mut gone = 0;
        for tenant in due {
            match self.perform(&self.as_worker(tenant), &EndStrangers { days }).await {
                Ok(done) => gone += done.output,
                // Nobody enters a suspended tenant, so nobody reads there either.
                Err(Failure::Store(StoreError::Revoked) | Failure::Command(StoreError::Revoked)) => {}
                Err(failure) => return Err(as_store(failure)),
            }
        }
        Ok(gone)
    }

    async fn erase_once_more(&self, tenant: TenantId, subject: PrincipalId) -> Result<bool, StoreError> {
        let worker = self.as_worker(tenant);
        let erased = self.store.begin(&worker).await?.erased_subjects().await?;
        if erased.iter().any(|(who, _)| *who == subject) {
            return Ok(false);
        }
        let command = EraseAgain {
            id: ErasureId::new(worker.at()),
            subject,
        };
        let done = self.perform(&worker, &command).await.map_err(as_store)?;
        if done.output {
            tracing::error!(tenant = %tenant, subject = %subject,
                "the database is older than an erasure; the person was erased again");
            metrics::counter!("keepgate_erasures_repeated").increment(1);
        }
        Ok(done.output)
    }
}
