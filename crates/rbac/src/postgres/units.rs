//! Units in `rbac.unit`.
use async_trait::async_trait;
use keepgate_kernel::UnitId;
use keepgate_policy::Unit;
use keepgate_store::{PgTx, StoreError};

use crate::Units;

#[async_trait]
impl Units for PgTx {
    async fn unit(&mut self, id: UnitId) -> Result<Option<Unit>, StoreError> {
        let row = sqlx::query!("select name from rbac.unit where id = $1", id.uuid())
            .fetch_optional(self.conn())
            .await?;
        Ok(row.map(|row| Unit { id, name: row.name }))
    }

    async fn main_unit(&mut self) -> Result<Option<UnitId>, StoreError> {
        let id = sqlx::query_scalar!("select id from rbac.unit where name = 'main'")
            .fetch_optional(self.conn())
            .await?;
        Ok(id.map(UnitId::from_uuid))
    }

    async fn units(&mut self) -> Result<Vec<Unit>, StoreError> {
        let rows = sqlx::query!("select id, name from rbac.unit order by name")
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
}
