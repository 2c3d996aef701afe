//! Codes in `identity.enrolment`.
use async_trait::async_trait;
use keepgate_kernel::{ApprovalId, PrincipalId};
use keepgate_store::{PgTx, StoreError, Transaction};

use super::{demand_worker, principal_id};
use crate::{CodeHash, Enrolments, NewEnrolment};

#[async_trait]
impl Enrolments for PgTx {
    async fn add_enrolment(&mut self, new: &NewEnrolment) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at)
             values ($1, $2, $3, $4, least($5, now() + interval '24 hours'))",
            new.tenant.uuid(),
            new.id.uuid(),
            new.principal.uuid(),
            new.hash.as_bytes(),
            new.expires_at,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn add_approved_enrolment(&mut self, new: &NewEnrolment, approval: ApprovalId) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at, approval_id)
             values ($1, $2, $3, $4, least($5, now() + interval '24 hours'), $6)",
            new.tenant.uuid(),
            new.id.uuid(),
            new.principal.uuid(),
            new.hash.as_bytes(),
            new.expires_at,
            approval.uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn enrolment_holder(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query!(
            "select p.id, p.kind from identity.enrolment e
               join rbac.principal p on p.tenant_id = e.tenant_id and p.id = e.principal_id and p.status = 'active'
              where e.tenant_id = $1 and e.code_hash = $2 and e.used_at is null and e.expires_at > now()",
            tenant,
            hash.as_bytes(),
        )
        .fetch_optional(self.conn())
        .await?;
        row.map(|row| principal_id(&row.kind, row.id)).transpose()
    }

    async fn use_enrolment(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query!(
            "update identity.enrolment e set used_at = now() from rbac.principal p
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
