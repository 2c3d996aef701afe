//! Levels in `rbac.role_assignment`.
use async_trait::async_trait;
use keepgate_kernel::{Level, PrincipalId, UnitId};
use keepgate_policy::{Grant, GrantProof, ReachProof};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::Roles;

#[async_trait]
impl Roles for PgTx {
    async fn role_of(&mut self, principal: PrincipalId) -> Result<Option<Grant>, StoreError> {
        let row = sqlx::query!(
            "select level, unit_id, granted_by from rbac.role_assignment
              where tenant_id = $1 and principal_id = $2 and revoked_at is null",
            self.context().tenant().uuid(),
            principal.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let level = u8::try_from(row.level)
            .ok()
            .and_then(|number| Level::try_from(number).ok());
        let level = level.ok_or_else(|| StoreError::corrupt("rbac.role_assignment", "level"))?;
        Ok(Some(Grant {
            level,
            unit: row.unit_id.map(UnitId::from_uuid),
            by: row.granted_by,
            revoked: false,
        }))
    }

    async fn assign(&mut self, proof: GrantProof, unit: Option<UnitId>) -> Result<(), StoreError> {
        if proof.level().needs_unit() != unit.is_some() {
            return Err(StoreError::Forbidden);
        }
        sqlx::query!(
            "insert into rbac.role_assignment (tenant_id, principal_id, level, unit_id, granted_by) values ($1, $2, $3, $4, $5)
             on conflict (tenant_id, principal_id) do update
               set level = excluded.level, unit_id = excluded.unit_id, granted_by = excluded.granted_by, revoked_at = null",
            proof.target().tenant.uuid(),
            proof.target().principal.uuid(),
            i16::from(proof.level().number()),
            unit.map(UnitId::uuid),
            proof.by().uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn revoke_role(&mut self, proof: &ReachProof) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "update rbac.role_assignment set revoked_at = now(), granted_by = $3
              where tenant_id = $1 and principal_id = $2 and revoked_at is null",
            proof.target().tenant.uuid(),
            proof.target().principal.uuid(),
            proof.by().uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
