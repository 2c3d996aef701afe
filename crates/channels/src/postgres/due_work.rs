//! Where work is.
use async_trait::async_trait;
use keepgate_kernel::{AttemptId, TenantId, Timestamp};
use keepgate_store::{PgTx, StoreError};

use crate::ports::DueWork;

#[async_trait]
impl DueWork for PgTx {
    async fn due_tenants(&mut self, limit: u16) -> Result<Vec<TenantId>, StoreError> {
        let ids = sqlx::query_scalar!(r#"select gate.due_tenants($1) as "id!""#, i32::from(limit))
            .fetch_all(self.conn())
            .await?;
        Ok(ids.into_iter().map(TenantId::from_uuid).collect())
    }

    async fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(sqlx::query_scalar!("select gate.next_due()")
            .fetch_one(self.conn())
            .await?)
    }

    async fn home_of_attempt(&mut self, attempt: AttemptId) -> Result<Option<TenantId>, StoreError> {
        let id = sqlx::query_scalar!("select gate.home_of_attempt($1)", attempt.uuid())
            .fetch_one(self.conn())
            .await?;
        Ok(id.map(TenantId::from_uuid))
    }
}
