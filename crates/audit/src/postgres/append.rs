//! Appending through `gate.append_entry`, the only way in.
use async_trait::async_trait;
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{AuditLog, NewEntry, Receipt, SealedOpening};

#[async_trait]
impl AuditLog for PgTx {
    async fn append_with(&mut self, entry: &NewEntry, source: Option<&SealedOpening>) -> Result<Receipt, StoreError> {
        let (request, occurred) = (self.context().request().uuid(), self.context().occurred_at());
        entry.check(occurred)?;
        let fresh = source.and_then(|source| source.fresh.as_ref());
        let row = sqlx::query!(
            r#"select recorded_at as "recorded_at!", leaf_hash as "leaf_hash!"
               from gate.append_entry($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"#,
            entry.id.uuid(),
            entry.action.as_str(),
            entry.entity.as_str(),
            entry.outcome.as_str(),
            entry.reason,
            request,
            source.map(|source| &source.commitment[..]),
            entry.actor.map(|actor| actor.kind().as_str()),
            entry.actor.map(|actor| actor.uuid()),
            occurred,
            source.map(|source| source.key),
            source.map(|source| &source.sealed[..]),
            fresh.map(|key| key.kek.as_str()),
            fresh.map(|key| &key.wrapped[..]),
        )
        .fetch_one(self.conn())
        .await?;
        Ok(Receipt {
            entry: entry.id,
            recorded_at: row.recorded_at,
            leaf_hash: row
                .leaf_hash
                .try_into()
                .map_err(|_| StoreError::corrupt("audit.entry", "leaf_hash"))?,
        })
    }
}
