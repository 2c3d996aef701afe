//! Users kept by a directory: the functions `gate.directory_*` of the database.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, UnitId};
use keepgate_policy::MappedProof;
use keepgate_store::{PgTx, StoreError, Transaction};

use super::level;
use crate::{DirectoryUsers, Email, NewPrincipal, PrincipalStatus, UserStanding};

#[async_trait]
impl DirectoryUsers for PgTx {
    async fn standing(&mut self, id: PrincipalId) -> Result<Option<UserStanding>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query!(
            r#"select p.status, r.level as "level?", r.unit_id as "unit_id?" from rbac.principal p
                 left join rbac.role_assignment r on r.tenant_id = p.tenant_id and r.principal_id = p.id and r.revoked_at is null
                where p.tenant_id = $1 and p.id = $2 and p.kind = 'user'"#,
            tenant,
            id.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(UserStanding {
            status: PrincipalStatus::parse(&row.status)
                .ok_or_else(|| StoreError::corrupt("rbac.principal", "status"))?,
            level: row
                .level
                .map(|number| level(number, "rbac.role_assignment"))
                .transpose()?,
            unit: row.unit_id.map(UnitId::from_uuid),
        }))
    }

    async fn add_directory_user(&mut self, new: &NewPrincipal) -> Result<bool, StoreError> {
        if new.tenant != self.context().tenant() {
            return Err(StoreError::Forbidden);
        }
        let added = sqlx::query_scalar!(
            r#"select gate.directory_add($1, $2, $3) as "added!""#,
            new.id.uuid(),
            new.email.as_ref().map(Email::as_str),
            new.display_name.as_deref(),
        )
        .fetch_one(self.conn())
        .await?;
        Ok(added)
    }

    async fn rename_directory_user(
        &mut self,
        id: PrincipalId,
        email: &Email,
        display_name: Option<&str>,
    ) -> Result<bool, StoreError> {
        let renamed = sqlx::query_scalar!(
            r#"select gate.directory_rename($1, $2, $3) as "renamed!""#,
            id.uuid(),
            email.as_str(),
            display_name,
        )
        .fetch_one(self.conn())
        .await?;
        Ok(renamed)
    }

    async fn set_directory_user_active(&mut self, id: PrincipalId, active: bool) -> Result<bool, StoreError> {
        let word = if active { "active" } else { "disabled" };
        let done = sqlx::query_scalar!(r#"select gate.directory_status($1, $2) as "done!""#, id.uuid(), word)
            .fetch_one(self.conn())
            .await?;
        Ok(done)
    }

    async fn delete_directory_user(&mut self, id: PrincipalId) -> Result<bool, StoreError> {
        let done = sqlx::query_scalar!(r#"select gate.directory_status($1, 'deleted') as "done!""#, id.uuid())
            .fetch_one(self.conn())
            .await?;
        Ok(done)
    }

    async fn grant_mapped(&mut self, proof: MappedProof, unit: Option<UnitId>) -> Result<(), StoreError> {
        if proof.target().tenant != self.context().tenant() {
            return Err(StoreError::Forbidden);
        }
        sqlx::query!(
            "select gate.directory_grant($1, $2, $3, $4)",
            proof.target().principal.uuid(),
            proof.level().map(|mapped| i16::from(mapped.level().number())),
            unit.map(UnitId::uuid),
            proof.by().uuid(),
        )
        .fetch_one(self.conn())
        .await?;
        Ok(())
    }
}
