//! The ports on PostgreSQL. The only module of this crate that knows sqlx.
mod attempts;
mod due_work;
mod held;
mod messages;
mod outbox;
mod recipients;
mod routes;
mod rows;
mod stream_events;
mod webhooks;

use keepgate_kernel::Uuid;
use keepgate_store::{PgTx, StoreError, Transaction};

/// The tenant of the transaction; row-level security compares it with its own.
fn tenant(tx: &PgTx) -> Uuid {
    tx.context().tenant().uuid()
}

fn json<T: serde::Serialize>(
    value: &T,
    table: &'static str,
    column: &'static str,
) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(value).map_err(|_| StoreError::corrupt(table, column))
}

fn parsed<T: serde::de::DeserializeOwned>(
    value: serde_json::Value,
    table: &'static str,
    column: &'static str,
) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|_| StoreError::corrupt(table, column))
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
