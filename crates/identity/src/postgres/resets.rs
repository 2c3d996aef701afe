//! Codes in `identity.reset`.
use async_trait::async_trait;
use keepgate_kernel::PrincipalId;
use keepgate_store::{PgTx, StoreError, Transaction};

use super::{demand_worker, principal_id};
use crate::{CodeHash, NewReset, Resets};

#[async_trait]
impl Resets for PgTx {
    async fn add_reset(&mut self, new: &NewReset) -> Result<(), StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        sqlx::query!(
            "update identity.reset set used_at = now() where tenant_id = $1 and principal_id = $2 and used_at is null",
            tenant,
            new.principal.uuid(),
        )
        .execute(self.conn())
        .await?;
        sqlx::query!(
            "insert into identity.reset (tenant_id, id, principal_id, code_hash, expires_at)
             values ($1, $2, $3, $4, least($5, now() + interval '30 minutes'))",
            tenant,
            new.id.uuid(),
            new.principal.uuid(),
            new.hash.as_bytes(),
            new.expires_at,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn reset_holder(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query!(
            "select p.id, p.kind from identity.reset e
               join rbac.principal p on p.tenant_id = e.tenant_id and p.id = e.principal_id and p.status = 'active'
              where e.tenant_id = $1 and e.code_hash = $2 and e.used_at is null and e.expires_at > now()",
            tenant,
            hash.as_bytes(),
        )
        .fetch_optional(self.conn())
        .await?;
        row.map(|row| principal_id(&row.kind, row.id)).transpose()
    }

    async fn use_reset(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query!(
            "update identity.reset e set used_at = now() from rbac.principal p
              where e.tenant_id = $1 and e.code_hash = $2 and e.used_at is null and e.expires_at > now()
                and p.tenant_id = e.tenant_id and p.id = e.principal_id and p.status = 'active'
             returning p.id, p.kind",
            tenant,
            hash.as_bytes(),
        )
        .fetch_optional(self.conn())
        .await?;
        row.map(|row| principal_id(&row.kind, row.id)).transpose()
    }
}
