//! Appending through `gate.append_entry`, the only way in.
use async_trait::async_trait;
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{AuditLog, NewEntry, Receipt, append::source_text};

#[async_trait]
impl AuditLog for PgTx {
    async fn append(&mut self, entry: &NewEntry) -> Result<Receipt, StoreError> {
        entry.check()?;
        let request = self.context().request().uuid();
        let source = source_text(self.context());
        let row = sqlx::query!(
            r#"select recorded_at as "recorded_at!", leaf_hash as "leaf_hash!"
               from gate.append_entry($1, $2, $3, $4, $5, $6, $7, $8, $9)"#,
            entry.id.uuid(),
            entry.action.as_str(),
            entry.entity.as_str(),
            entry.outcome.as_str(),
            entry.reason,
            request,
            source,
            entry.actor.map(|actor| actor.kind().as_str()),
            entry.actor.map(|actor| actor.uuid()),
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
