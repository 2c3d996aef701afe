//! Levels in `rbac.role_assignment`.
use async_trait::async_trait;
use keepgate_kernel::{ApprovalId, Hat, Level, PrincipalId, PrincipalKind, TenantId, UnitId};
use keepgate_policy::{EnlistProof, Grant, GrantProof, ReachProof};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::Roles;

#[async_trait]
impl Roles for PgTx {
    async fn role_of(&mut self, principal: PrincipalId) -> Result<Option<Grant>, StoreError> {
        let row = sqlx::query!(
            "select level, unit_id, hat, granted_by from rbac.role_assignment
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
            hat: row
                .hat
                .map(|word| {
                    word.parse()
                        .map_err(|_| StoreError::corrupt("rbac.role_assignment", "hat"))
                })
                .transpose()?,
            by: row.granted_by,
            revoked: false,
        }))
    }

    async fn assign(&mut self, proof: GrantProof, unit: Option<UnitId>) -> Result<(), StoreError> {
        if proof.level().needs_unit() != unit.is_some() {
            return Err(StoreError::Forbidden);
        }
        if let Some(approval) = proof.approval() {
            return appoint(self, &proof, approval).await;
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

    async fn place_device(&mut self, proof: EnlistProof) -> Result<(), StoreError> {
        let (tenant, device) = (proof.target().tenant.uuid(), proof.target().principal.uuid());
        let moved = sqlx::query!(
            "update rbac.role_assignment set unit_id = $3, granted_by = $4 where tenant_id = $1 and principal_id = $2",
            tenant,
            device,
            proof.unit().uuid(),
            proof.by().uuid(),
        )
        .execute(self.conn())
        .await?;
        if moved.rows_affected() == 1 {
            return Ok(());
        }
        // One that the caller does not reach is taken for a new one here, and refused for its level.
        let placed = sqlx::query!(
            "insert into rbac.role_assignment (tenant_id, principal_id, level, unit_id, granted_by) values ($1, $2, 1, $3, $4)
             on conflict do nothing",
            tenant,
            device,
            proof.unit().uuid(),
            proof.by().uuid(),
        )
        .execute(self.conn())
        .await?;
        if placed.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::Forbidden)
        }
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

    async fn wear(&mut self, proof: &ReachProof, hat: Option<Hat>) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "update rbac.role_assignment set hat = $3, granted_by = $4
              where tenant_id = $1 and principal_id = $2 and revoked_at is null",
            proof.target().tenant.uuid(),
            proof.target().principal.uuid(),
            hat.map(Hat::as_str),
            proof.by().uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn owners_of(&mut self, tenant: TenantId) -> Result<Vec<PrincipalId>, StoreError> {
        let rows = sqlx::query_scalar!(
            "select principal_id from rbac.role_assignment where tenant_id = $1 and level = 5 and revoked_at is null order by principal_id",
            tenant.uuid(),
        )
        .fetch_all(self.conn())
        .await?;
        let user = |id| PrincipalId::from_parts(PrincipalKind::User, id);
        Ok(rows.into_iter().map(user).collect())
    }
}

/// Not one upsert: its two triggers would both want the approval.
async fn appoint(tx: &mut PgTx, proof: &GrantProof, approval: ApprovalId) -> Result<(), StoreError> {
    let (tenant, target) = (proof.target().tenant.uuid(), proof.target().principal.uuid());
    let level = i16::from(proof.level().number());
    let raised = sqlx::query!(
        "update rbac.role_assignment set level = $3, unit_id = null, hat = null, granted_by = $4, approval_id = $5, revoked_at = null
          where tenant_id = $1 and principal_id = $2",
        tenant,
        target,
        level,
        proof.by().uuid(),
        approval.uuid(),
    )
    .execute(tx.conn())
    .await?;
    if raised.rows_affected() == 1 {
        return Ok(());
    }
    sqlx::query!(
        "insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by, approval_id) values ($1, $2, $3, $4, $5)",
        tenant,
        target,
        level,
        proof.by().uuid(),
        approval.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
