//! A ledger in PostgreSQL, in a schema of its own beside the program's tables.
//!
//! The database places and hashes every entry (`schema.sql`); here its answer is compared with the leaf that was meant.
use std::ops::Range;

use async_trait::async_trait;
use keepgate_kernel::{Outcome, TenantId, Timestamp, Uuid};
use keepgate_merkle::{hash::Hash, tree::Frontier};
use keepgate_store::StoreError;
use sqlx::{PgConnection, PgPool, Transaction};

use super::{
    Ledger, LedgerError,
    book::{Backend, Book, LedgerTx},
    deed::{Deed, Line, Receipt, check_action},
    named,
};
use crate::{LogFault, LogKeys, SignedHead, leaf::leaf_hash};

mod migrate;

pub use migrate::migrate;

/// Keeps a ledger in PostgreSQL.
#[derive(Debug, Clone)]
pub struct Postgres {
    pool: PgPool,
    tenant: TenantId,
}

/// A transaction in PostgreSQL, at the isolation level that the database gives it.
#[derive(Debug)]
pub struct PostgresTx {
    tx: Transaction<'static, sqlx::Postgres>,
    tenant: TenantId,
}

impl Ledger<Postgres> {
    /// The ledger in the database of `pool`, which [`migrate`] has prepared. The keys' name is its name.
    ///
    /// # Errors
    /// [`LedgerError::NotMigrated`], [`LedgerError::Newer`], [`LedgerError::OtherLedger`], [`LedgerError::BadName`];
    /// [`StoreError::Unavailable`] without a database.
    pub async fn postgres(pool: PgPool, keys: impl Into<LogKeys>) -> Result<Self, LedgerError> {
        let keys = keys.into();
        let tenant = named(keys.name())?;
        let mut conn = pool.acquire().await.map_err(StoreError::from)?;
        check(&mut conn, tenant).await?;
        drop(conn);
        Ok(Self::over(Postgres { pool, tenant }, keys))
    }
}

/// Whether this user finds the ledger of that number here.
async fn check(conn: &mut PgConnection, tenant: TenantId) -> Result<(), LedgerError> {
    if migrate::found(conn).await?.is_none() {
        return Err(LedgerError::NotMigrated);
    }
    let there: Option<Uuid> = sqlx::query_scalar("select tenant from ledger.head")
        .fetch_optional(conn)
        .await
        .map_err(StoreError::from)?;
    match there {
        Some(there) if there == tenant.uuid() => Ok(()),
        _ => Err(LedgerError::OtherLedger),
    }
}

impl PostgresTx {
    /// The connection, for the program's own statements. Whatever they change in an audited table needs the entry that
    /// [`LedgerTx::commit`] brings, and is undone without it.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    async fn append(&mut self, line: &Line) -> Result<Receipt, LedgerError> {
        let row: (i64, Timestamp, Vec<u8>, Vec<u8>) = sqlx::query_as(
            "insert into ledger.entry (id, actor_type, actor_id, action, entity, outcome, reason, request_id, occurred_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning idx, recorded_at, leaf, leaf_hash",
        )
        .bind(line.id.uuid())
        .bind(line.actor().kind().as_str())
        .bind(line.actor().uuid())
        .bind(line.action())
        .bind(line.entity())
        .bind(line.outcome.as_str())
        .bind(line.reason.as_deref())
        .bind(line.request.uuid())
        .bind(line.occurred_at())
        .fetch_one(&mut *self.tx)
        .await
        .map_err(|error| refused(error, line))?;
        let (index, recorded_at, leaf, hash) = row;
        // Somebody who put another function in the place of the database's is found here, before it is committed.
        let meant = line.leaf(self.tenant, recorded_at).to_bytes();
        if leaf != meant || hash != leaf_hash(&meant) {
            return Err(LogFault::EntryChanged(line.id).into());
        }
        Ok(Receipt {
            index: unsigned(index)?,
            entry: line.id,
            recorded_at,
            leaf_hash: Hash::from_bytes(leaf_hash(&meant)),
        })
    }

    async fn finish(self) -> Result<(), LedgerError> {
        Ok(self.tx.commit().await.map_err(StoreError::from)?)
    }
}

/// A word that is not in the table is the caller's mistake, not the database's.
fn refused(error: sqlx::Error, line: &Line) -> LedgerError {
    let constraint = error.as_database_error().and_then(|error| error.constraint());
    if constraint == Some("entry_action_known") {
        return LedgerError::UnknownAction(line.action().to_owned());
    }
    StoreError::from(error).into()
}

/// A table that is none is the caller's mistake as well.
fn not_watched(error: sqlx::Error, table: &str) -> LedgerError {
    let said = error.as_database_error().is_some();
    match StoreError::from(error) {
        StoreError::Unavailable(source) if said => LedgerError::NotWatched {
            table: table.to_owned(),
            source,
        },
        other => other.into(),
    }
}

#[async_trait]
impl LedgerTx for PostgresTx {
    async fn commit(mut self, deed: &Deed) -> Result<Receipt, LedgerError> {
        let receipt = self.append(&deed.line(Outcome::Done, None)?).await?;
        self.finish().await?;
        Ok(receipt)
    }
}

impl Backend for Postgres {
    type Tx = PostgresTx;

    async fn begin(&self) -> Result<PostgresTx, LedgerError> {
        Ok(PostgresTx {
            tx: self.pool.begin().await.map_err(StoreError::from)?,
            tenant: self.tenant,
        })
    }
}

#[async_trait]
impl Book for Postgres {
    async fn declare(&self, table: &str, words: &[&str]) -> Result<(), LedgerError> {
        words.iter().try_for_each(|word| check_action(word))?;
        let mut tx = self.pool.begin().await.map_err(StoreError::from)?;
        sqlx::query("select ledger.watch($1::regclass)")
            .bind(table)
            .execute(&mut *tx)
            .await
            .map_err(|error| not_watched(error, table))?;
        // Whoever merely uses the ledger may not insert.
        let missing: Vec<String> = sqlx::query_scalar(
            "select w from unnest($1::text[]) w where not exists (select from ledger.action a where a.word = w)",
        )
        .bind(words)
        .fetch_all(&mut *tx)
        .await
        .map_err(StoreError::from)?;
        if !missing.is_empty() {
            sqlx::query("insert into ledger.action (word) select unnest($1::text[]) on conflict do nothing")
                .bind(missing)
                .execute(&mut *tx)
                .await
                .map_err(StoreError::from)?;
        }
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }

    async fn append(&self, line: Line) -> Result<Receipt, LedgerError> {
        let mut tx = self.begin().await?;
        let receipt = tx.append(&line).await?;
        tx.finish().await?;
        Ok(receipt)
    }

    async fn edge(&self) -> Result<Frontier, LedgerError> {
        let (size, edge): (i64, Vec<Vec<u8>>) = sqlx::query_as("select size, edge from ledger.head")
            .fetch_one(&self.pool)
            .await
            .map_err(StoreError::from)?;
        let edge = hashes(edge)?;
        Ok(Frontier::from_parts(unsigned(size)?, edge).map_err(LogFault::Frontier)?)
    }

    async fn newest(&self) -> Result<Option<String>, LedgerError> {
        let note = sqlx::query_scalar("select note from ledger.checkpoint order by size desc limit 1")
            .fetch_optional(&self.pool)
            .await;
        Ok(note.map_err(StoreError::from)?)
    }

    async fn publish(&self, head: SignedHead, note: &str) -> Result<(), LedgerError> {
        sqlx::query(
            "insert into ledger.checkpoint (size, root, note) values ($1, $2, $3) on conflict (size) do nothing",
        )
        .bind(signed(head.size))
        .bind(&head.root.as_bytes()[..])
        .bind(note)
        .execute(&self.pool)
        .await
        .map_err(StoreError::from)?;
        Ok(())
    }

    async fn leaves(&self, range: Range<u64>) -> Result<Vec<Vec<u8>>, LedgerError> {
        let leaves = sqlx::query_scalar("select leaf from ledger.entry where idx >= $1 and idx < $2 order by idx")
            .bind(signed(range.start))
            .bind(signed(range.end))
            .fetch_all(&self.pool)
            .await;
        Ok(leaves.map_err(StoreError::from)?)
    }

    async fn hashes(&self, level: u8, range: Range<u64>) -> Result<Vec<Hash>, LedgerError> {
        let found = if level == 0 {
            sqlx::query_scalar("select leaf_hash from ledger.entry where idx >= $1 and idx < $2 order by idx")
        } else {
            sqlx::query_scalar("select root from ledger.tile where idx >= $1 and idx < $2 and level = $3 order by idx")
        };
        let mut found = found.bind(signed(range.start)).bind(signed(range.end));
        if level > 0 {
            found = found.bind(i16::from(level));
        }
        hashes(found.fetch_all(&self.pool).await.map_err(StoreError::from)?)
    }
}

fn hashes(found: Vec<Vec<u8>>) -> Result<Vec<Hash>, LedgerError> {
    let hash = |bytes: Vec<u8>| {
        Hash::try_from(&bytes[..]).map_err(|_| StoreError::corrupt("ledger.entry", "leaf_hash").into())
    };
    found.into_iter().map(hash).collect()
}

/// Past the end of `bigint` there is nothing to find.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::corrupt("ledger.entry", "idx"))
}
