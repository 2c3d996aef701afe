//! Idempotency keys in PostgreSQL.
use async_trait::async_trait;
use keepgate_store::{PgTx, StoreError, Transaction};

use super::{IdempotencyKeys, StoredAnswer};

#[async_trait]
impl IdempotencyKeys for PgTx {
    async fn answer(&mut self, key: &[u8; 32]) -> Result<Option<StoredAnswer>, StoreError> {
        let row = sqlx::query!(
            "select request_hash, entity, status, answer from doorway.idempotency where key_hash = $1",
            &key[..]
        )
        .fetch_optional(self.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(StoredAnswer {
            request: row
                .request_hash
                .try_into()
                .map_err(|_| StoreError::corrupt("doorway.idempotency", "request_hash"))?,
            entity: row.entity,
            status: u16::try_from(row.status).map_err(|_| StoreError::corrupt("doorway.idempotency", "status"))?,
            sealed: row.answer,
        }))
    }

    async fn keep_answer(&mut self, key: &[u8; 32], answer: &StoredAnswer) -> Result<(), StoreError> {
        let (tenant, principal) = (self.context().tenant().uuid(), self.context().principal().id.uuid());
        // A caller's own old keys go when it makes a new one: no sweeper that would need to see every tenant.
        sqlx::query!("delete from doorway.idempotency where created_at < now() - interval '48 hours'")
            .execute(self.conn())
            .await?;
        let status = i16::try_from(answer.status).map_err(|_| StoreError::corrupt("doorway.idempotency", "status"))?;
        sqlx::query!(
            "insert into doorway.idempotency (tenant_id, principal_id, key_hash, request_hash, entity, status, answer)
             values ($1, $2, $3, $4, $5, $6, $7)",
            tenant,
            principal,
            &key[..],
            &answer.request[..],
            answer.entity,
            status,
            answer.sealed
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }
}
