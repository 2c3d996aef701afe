//! Groups of entries, one statement each.
use async_trait::async_trait;
use keepgate_kernel::{Clock, RequestId, SystemClock, TenantId, Timestamp, Uuid};
use keepgate_policy::OpContext;
use keepgate_store::{PgStore, StoreError, postgres::PgLane};

use super::columns::{Columns, Stored, receipts};
use crate::{
    Receipt, Told,
    journal::{Groups, Lane},
};

#[async_trait]
impl Groups for PgStore {
    async fn open(&self) -> Result<Box<dyn Lane>, StoreError> {
        Ok(Box::new(self.lane().await?))
    }
}

#[async_trait]
impl Lane for PgLane {
    async fn write(&mut self, tenant: TenantId, told: &[Told]) -> Result<Vec<Receipt>, StoreError> {
        let now = SystemClock.now();
        let (claims, signature) = self.claims(&OpContext::system(tenant, RequestId::new(now), now));
        let columns = Columns::of(told);
        let rows = sqlx::query_as!(
            Stored,
            r#"select recorded_at as "recorded_at!", leaf_hash as "leaf_hash!"
               from gate.append_group($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"#,
            claims,
            signature,
            &columns.id,
            &columns.action as &[&str],
            &columns.entity as &[&str],
            &columns.outcome as &[&str],
            &columns.reason as &[Option<&str>],
            &columns.request,
            &columns.commitment as &[Option<&[u8]>],
            &columns.actor_type as &[Option<&str>],
            &columns.actor as &[Option<Uuid>],
            &columns.occurred as &[Option<Timestamp>],
            &columns.key as &[Option<Uuid>],
            &columns.sealed as &[Option<&[u8]>],
            &columns.kek as &[Option<&str>],
            &columns.wrapped as &[Option<&[u8]>],
        )
        .fetch_all(self.conn())
        .await?;
        receipts(told, rows)
    }
}
