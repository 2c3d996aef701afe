//! The schema of a ledger.
use keepgate_store::StoreError;
use sqlx::{PgConnection, PgPool};

use super::super::{LedgerError, named};

/// The version that [`SCHEMA`] makes.
const VERSION: i32 = 1;
const SCHEMA: &str = include_str!("schema.sql");

/// Makes the schema `ledger` in the database of `pool`, for the ledger named `origin` (`<host>/audit/<uuid>`). Safe to repeat. The
/// user of `pool` may create schemas there and becomes the owner of the log: better somebody else than who runs the program.
///
/// # Errors
/// [`LedgerError::BadName`], [`LedgerError::Newer`], [`LedgerError::OtherLedger`] when another one is there already;
/// [`StoreError::Forbidden`] when the user may not, [`StoreError::Unavailable`] without a database.
pub async fn migrate(pool: &PgPool, origin: &str) -> Result<(), LedgerError> {
    let tenant = named(origin)?;
    let mut tx = pool.begin().await.map_err(StoreError::from)?;
    // One at a time.
    sqlx::query("select pg_advisory_xact_lock(5201314)")
        .execute(&mut *tx)
        .await
        .map_err(StoreError::from)?;
    if found(&mut tx).await?.is_none() {
        sqlx::raw_sql(SCHEMA)
            .execute(&mut *tx)
            .await
            .map_err(StoreError::from)?;
        sqlx::query("insert into ledger.head (tenant) values ($1)")
            .bind(tenant.uuid())
            .execute(&mut *tx)
            .await
            .map_err(StoreError::from)?;
    }
    super::check(&mut tx, tenant).await?;
    Ok(tx.commit().await.map_err(StoreError::from)?)
}

/// The version of the schema that is there, for this user.
///
/// # Errors
/// [`LedgerError::Newer`].
pub(super) async fn found(conn: &mut PgConnection) -> Result<Option<i32>, LedgerError> {
    // `to_regclass` fails for who may not look into the schema.
    let there: bool = sqlx::query_scalar(
        "select case when exists (select from pg_namespace n where n.nspname = 'ledger' and has_schema_privilege(n.oid, 'usage'))
           then to_regclass('ledger.version') is not null else false end",
    )
    .fetch_one(&mut *conn)
    .await
    .map_err(StoreError::from)?;
    if !there {
        return Ok(None);
    }
    let version: i32 = sqlx::query_scalar("select max(number) from ledger.version")
        .fetch_one(conn)
        .await
        .map_err(StoreError::from)?;
    if version > VERSION {
        return Err(LedgerError::Newer(version));
    }
    Ok(Some(version))
}
