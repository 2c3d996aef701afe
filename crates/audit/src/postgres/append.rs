//! Appending through `gate.append_entry`, the only way in.
use async_trait::async_trait;
use keepgate_kernel::{Timestamp, Uuid};
use keepgate_store::{PgTx, StoreError, Transaction};

use super::columns::{Columns, Stored, receipts};
use crate::{AuditLog, NewEntry, Receipt, SealedOpening, TOGETHER, Told};

#[async_trait]
impl AuditLog for PgTx {
    async fn append_with(&mut self, entry: &NewEntry, source: Option<&SealedOpening>) -> Result<Receipt, StoreError> {
        let (request, occurred) = (self.context().request().uuid(), self.context().occurred_at());
        entry.check(occurred)?;
        let fresh = source.and_then(|source| source.fresh.as_ref());
        let row = sqlx::query_as!(
            Stored,
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
        row.receipt(entry.id)
    }

    async fn append_all(&mut self, told: &[Told]) -> Result<Vec<Receipt>, StoreError> {
        if told.is_empty() {
            return Ok(Vec::new());
        }
        if told.len() > TOGETHER {
            return Err(StoreError::Forbidden);
        }
        told.iter().try_for_each(Told::check)?;
        let columns = Columns::of(told);
        let rows = sqlx::query_as!(
            Stored,
            r#"select recorded_at as "recorded_at!", leaf_hash as "leaf_hash!"
               from gate.append_entries($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"#,
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
