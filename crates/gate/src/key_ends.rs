//! The ends of data keys: made final after their days of grace, and copied outside the database, so that an older one brings none back.
use std::sync::Arc;

use keepgate_audit::AuditLog;
use keepgate_crypto_keys::{DataKeys, EndDataKey, EndProof, StoredKey};
use keepgate_kernel::{RequestId, TenantId};
use keepgate_policy::OpContext;
use keepgate_store::{StoreError, Transaction};

use crate::{Failure, Gate, Tombstones, VaultError};

fn unavailable(error: std::io::Error) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

/// Nobody enters a suspended tenant, so nothing is opened there either; it is settled when it is active again.
fn unless_suspended(done: Result<(), StoreError>) -> Result<(), StoreError> {
    match done {
        Err(StoreError::Revoked) => Ok(()),
        other => other,
    }
}

impl<T: Transaction + AuditLog + DataKeys + ?Sized + 'static> Gate<T> {
    fn keys_worker(&self, tenant: TenantId) -> OpContext {
        let now = self.clock.now();
        OpContext::system(tenant, RequestId::new(now), now)
    }

    /// A key for `tenant`, the next version, wrapped; it is not in use before [`keepgate_crypto_keys::RotateDataKey`] has stored it.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn new_data_key(&self, tenant: TenantId) -> Result<StoredKey, VaultError> {
        let store = |error| VaultError::Key(Failure::Store(error));
        let mut tx = self.store.begin(&self.keys_worker(tenant)).await.map_err(store)?;
        let newest = tx.newest_data_key().await.map_err(store)?;
        drop(tx);
        self.vault.make(tenant, newest + 1).await
    }

    /// Ends the keys whose days of grace are over, in every tenant; ends those again that only `tombstones` know of, because the
    /// database was set back; copies the rest there. This instance forgets what it had open of them. Returns how many were ended.
    ///
    /// # Errors
    /// [`StoreError`]; the next pass goes on.
    pub async fn settle_keys(&self, tombstones: &Arc<dyn Tombstones>, platform: TenantId) -> Result<u32, StoreError> {
        let told = self.store.begin(&self.keys_worker(platform)).await?;
        let tenants = { told }.tenants_with_key_ends().await?;
        let mut ended = 0;
        for (tenant, version, proof) in tombstones.all_keys().await.map_err(unavailable)? {
            unless_suspended(self.end_again(tenant, version, proof, &mut ended).await)?;
        }
        for tenant in &tenants {
            unless_suspended(self.end_due(&**tombstones, *tenant, &mut ended).await)?;
        }
        // Also what another instance ended.
        self.drop_ended(&tenants).await;
        Ok(ended)
    }

    /// Another instance may have ended keys: what this one has open of them leaves its memory.
    ///
    /// # Errors
    /// [`StoreError`]; until the next pass each of them is looked up before it is used.
    pub async fn hear_of_key_ends(&self, platform: TenantId) -> Result<(), StoreError> {
        self.reload_keys();
        let told = self.store.begin(&self.keys_worker(platform)).await?;
        let tenants = { told }.tenants_with_key_ends().await?;
        self.drop_ended(&tenants).await;
        Ok(())
    }

    async fn end_due(&self, tombstones: &dyn Tombstones, tenant: TenantId, ended: &mut u32) -> Result<(), StoreError> {
        let worker = self.keys_worker(tenant);
        let due = self.store.begin(&worker).await?.due_data_keys().await?;
        for version in due {
            self.end(&worker, version, None, ended).await?;
        }
        let gone = self.store.begin(&worker).await?.ended_data_keys().await?;
        for key in gone {
            tombstones.keep_key(tenant, &key).await.map_err(unavailable)?;
        }
        Ok(())
    }

    async fn end_again(
        &self,
        tenant: TenantId,
        version: i32,
        proof: EndProof,
        ended: &mut u32,
    ) -> Result<(), StoreError> {
        let worker = self.keys_worker(tenant);
        match self.store.begin(&worker).await?.proves_end(version, &proof).await? {
            Some(true) => {
                tracing::error!(%tenant, version, "the database is older than a data key's end; the key was ended again");
                self.end(&worker, version, Some(proof), ended).await
            }
            // The database was set back to before that version, which was then made anew.
            Some(false) => {
                tracing::warn!(%tenant, version, "the end on record outside is of another key of that version; this one goes on");
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn end(
        &self,
        worker: &OpContext,
        version: i32,
        proof: Option<EndProof>,
        ended: &mut u32,
    ) -> Result<(), StoreError> {
        match self.perform(worker, &EndDataKey { version, proof }).await {
            Ok(done) if done.output => {
                *ended += 1;
                metrics::counter!("keepgate_data_keys_ended").increment(1);
            }
            Ok(_) => {}
            Err(Failure::Store(error) | Failure::Command(error)) => return Err(error),
            Err(Failure::Denied(_) | Failure::KeyReused) => return Err(StoreError::Forbidden),
        }
        self.reload_keys();
        self.drop_ended(&[worker.tenant()]).await;
        Ok(())
    }
}
