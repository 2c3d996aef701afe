//! Keys in `identity.api_key`.
mod row;

use std::time::Duration;

use async_trait::async_trait;
use keepgate_kernel::{Action, KeyId, Timestamp, Uuid};
use keepgate_policy::ReachProof;
use keepgate_store::{PgTx, StoreError, Transaction};

use super::demand_worker;
use crate::{ApiKeyRecord, ApiKeys, Handle, KeyOnFile, KeyUse, NewApiKey, Phc};

#[async_trait]
impl ApiKeys for PgTx {
    async fn add_api_key(&mut self, proof: &ReachProof, new: &NewApiKey) -> Result<bool, StoreError> {
        let target = (proof.target().principal, proof.target().tenant);
        if proof.by() != self.context().principal().id || target != (new.service, self.context().tenant()) {
            return Err(StoreError::Forbidden);
        }
        let (tenant, owner) = (self.context().tenant().uuid(), self.context().principal().id.uuid());
        let handle = Handle::of(new.id);
        let scopes: Option<Vec<String>> = new
            .scopes
            .as_ref()
            .map(|all| all.iter().map(Action::to_string).collect());
        let cidrs: Option<Vec<String>> = new
            .allowed_cidrs
            .as_ref()
            .map(|all| all.iter().map(|net| net.trunc().to_string()).collect());
        let done = sqlx::query!(
            "insert into identity.api_key (tenant_id, id, principal_id, owner_id, name, phc, scopes, allowed_cidrs, expires_at, handle)
             values ($1, $2, $3, $4, $5, $6, $7::text[], $8::text[]::cidr[], $9, $10)
             on conflict do nothing",
            tenant,
            new.id.uuid(),
            new.service.uuid(),
            owner,
            new.name,
            new.phc.as_str(),
            scopes.as_deref(),
            cidrs.as_deref(),
            new.expires_at,
            handle.as_str(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn api_key(&mut self, id: KeyId) -> Result<Option<ApiKeyRecord>, StoreError> {
        row::record(self, id).await
    }

    async fn api_keys(&mut self, after: Option<KeyId>, limit: u32) -> Result<Vec<ApiKeyRecord>, StoreError> {
        row::records(self, after, limit).await
    }

    async fn revoke_api_key(&mut self, id: KeyId) -> Result<bool, StoreError> {
        let tenant = self.context().tenant().uuid();
        let done = sqlx::query!(
            "update identity.api_key set revoked_at = now()
              where tenant_id = $1 and id = $2 and revoked_at is null and (select gate.level()) > 0",
            tenant,
            id.uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn revoke_api_keys_of(&mut self, proof: &ReachProof) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            "update identity.api_key set revoked_at = now()
              where tenant_id = $1 and owner_id = $2 and revoked_at is null and (select gate.subject()) = $3",
            proof.target().tenant.uuid(),
            proof.target().principal.uuid(),
            proof.by().uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected())
    }

    async fn revoke_api_keys_for(&mut self, proof: &ReachProof) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            "update identity.api_key set revoked_at = now()
              where tenant_id = $1 and principal_id = $2 and revoked_at is null and (select gate.subject()) = $3",
            proof.target().tenant.uuid(),
            proof.target().principal.uuid(),
            proof.by().uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected())
    }

    async fn rotate_api_key(
        &mut self,
        proof: &ReachProof,
        id: KeyId,
        phc: &Phc,
        overlap: Duration,
    ) -> Result<bool, StoreError> {
        if proof.by() != self.context().principal().id {
            return Err(StoreError::Forbidden);
        }
        let handle = Handle::of(id);
        // The guards keep the secret before it, for as long as it is good, and move the end: this role reads no verifier.
        let done = sqlx::query!(
            "update identity.api_key
                set phc = $4, old_until = case when $5::float8 > 0 then now() + make_interval(secs => $5::float8) end, handle = $6
              where tenant_id = $1 and id = $2 and principal_id = $3 and revoked_at is null
                and (expires_at is null or expires_at > now())",
            proof.target().tenant.uuid(),
            id.uuid(),
            proof.target().principal.uuid(),
            phc.as_str(),
            overlap.as_secs_f64(),
            handle.as_str(),
        )
        .execute(self.conn())
        .await?;
        sqlx::query!(
            "update identity.imported_key set until = least(coalesce(until, 'infinity'), now() + make_interval(secs => $3))
              where tenant_id = $1 and key_id = $2",
            proof.target().tenant.uuid(),
            id.uuid(),
            overlap.as_secs_f64(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn key_on_file(&mut self, id: KeyId) -> Result<Option<KeyOnFile>, StoreError> {
        demand_worker(self)?;
        row::on_file(self, id).await
    }

    async fn revoke_leaked_key(&mut self, id: KeyId) -> Result<bool, StoreError> {
        demand_worker(self)?;
        Ok(
            sqlx::query_scalar!(r#"select gate.revoke_leaked_key($1) as "done!""#, id.uuid())
                .fetch_one(self.conn())
                .await?,
        )
    }

    async fn touch_api_keys(&mut self, uses: &[KeyUse]) -> Result<(), StoreError> {
        demand_worker(self)?;
        let keys: Vec<Uuid> = uses.iter().map(|used| used.key.uuid()).collect();
        let times: Vec<Timestamp> = uses.iter().map(|used| used.at).collect();
        let sources: Vec<Option<String>> = uses.iter().map(|used| used.source.map(|ip| ip.to_string())).collect();
        let olds: Vec<bool> = uses.iter().map(|used| used.old).collect();
        sqlx::query!(
            "select gate.touch_api_keys($1, $2, $3::text[]::inet[], $4)",
            &keys,
            &times,
            &sources as &[Option<String>],
            &olds,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }
}
