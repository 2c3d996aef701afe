//! Units in `rbac.unit`. One that was taken away keeps its row for those who were in it.
use async_trait::async_trait;
use keepgate_kernel::UnitId;
use keepgate_policy::{
    Authorized, Unit,
    permissions::{UnitCreate, UnitDelete, UnitUpdate},
};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::Units;

#[async_trait]
impl Units for PgTx {
    async fn unit(&mut self, id: UnitId) -> Result<Option<Unit>, StoreError> {
        let row = sqlx::query!(
            "select name from rbac.unit where id = $1 and deleted_at is null",
            id.uuid()
        )
        .fetch_optional(self.conn())
        .await?;
        Ok(row.map(|row| Unit { id, name: row.name }))
    }

    async fn main_unit(&mut self) -> Result<Option<UnitId>, StoreError> {
        let id =
            sqlx::query_scalar!("select id from rbac.unit where deleted_at is null order by created_at, id limit 1")
                .fetch_optional(self.conn())
                .await?;
        Ok(id.map(UnitId::from_uuid))
    }

    async fn units(&mut self, after: Option<UnitId>, limit: u32) -> Result<Vec<Unit>, StoreError> {
        let rows = sqlx::query!(
            "select id, name from rbac.unit where deleted_at is null and ($1::uuid is null or id > $1) order by id limit $2",
            after.map(UnitId::uuid),
            i64::from(limit),
        )
        .fetch_all(self.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| Unit {
                id: UnitId::from_uuid(row.id),
                name: row.name,
            })
            .collect())
    }

    async fn add_unit(&mut self, proof: &Authorized<UnitCreate>, id: UnitId, name: &str) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "insert into rbac.unit (tenant_id, id, name) values ($1, $2, $3) on conflict do nothing",
            proof.tenant().uuid(),
            id.uuid(),
            name,
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn rename_unit(
        &mut self,
        proof: &Authorized<UnitUpdate>,
        id: UnitId,
        name: &str,
    ) -> Result<bool, StoreError> {
        let tenant = proof.tenant().uuid();
        let taken = sqlx::query_scalar!(
            r#"select exists (select from rbac.unit where tenant_id = $1 and name = $2 and id <> $3 and deleted_at is null) as "taken!""#,
            tenant,
            name,
            id.uuid(),
        )
        .fetch_one(self.conn())
        .await?;
        if taken {
            return Ok(false);
        }
        // Somebody else may take the name at this moment: a conflict, and the next try finds it taken.
        sqlx::query!(
            "update rbac.unit set name = $3 where tenant_id = $1 and id = $2 and deleted_at is null",
            tenant,
            id.uuid(),
            name
        )
        .execute(self.conn())
        .await?;
        Ok(true)
    }

    async fn delete_unit(&mut self, proof: &Authorized<UnitDelete>, id: UnitId) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "update rbac.unit set deleted_at = now() where tenant_id = $1 and id = $2 and deleted_at is null",
            proof.tenant().uuid(),
            id.uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn people_in(&mut self, id: UnitId) -> Result<u64, StoreError> {
        let tenant = self.context().tenant().uuid();
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from rbac.role_assignment r
                 join rbac.principal p on p.tenant_id = r.tenant_id and p.id = r.principal_id and p.status <> 'deleted'
                where r.tenant_id = $1 and r.unit_id = $2 and r.revoked_at is null"#,
            tenant,
            id.uuid(),
        )
        .fetch_one(self.conn())
        .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}
