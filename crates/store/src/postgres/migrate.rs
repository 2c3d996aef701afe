//! Schema versions.
use sqlx::{ConnectOptions, Connection, PgConnection, migrate::Migrator, postgres::PgConnectOptions};

use super::ClaimKey;

/// Every migration, tracked in `schema_migrations`.
pub static MIGRATOR: Migrator = sqlx::migrate!();

/// The roles of a cluster and their rights on one database; run once by a superuser, safe to repeat.
pub const ROLES_SQL: &str = include_str!("roles.sql");

/// Takes away what PUBLIC may do by default and a gateway never needs. Hardening: a managed PostgreSQL may refuse it.
pub const LOCKDOWN_SQL: &str = include_str!("lockdown.sql");

/// Event triggers that let the schema change by migrations only; run by a superuser, safe to repeat.
pub const GUARD_SQL: &str = include_str!("guard.sql");

/// Why the schema can't be brought to this version.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// No connection, or it broke.
    #[error("the database can't be reached")]
    Database(#[from] sqlx::Error),
    /// The database was migrated by a newer Keepgate.
    #[error("the database has migration {0}, which this version of Keepgate does not know")]
    Unknown(i64),
    /// An applied migration differs from the one in this binary.
    #[error("migration {0} was applied in another form")]
    Changed(i64),
    /// A migration failed; it was rolled back.
    #[error("the migration failed")]
    Failed(#[source] sqlx::migrate::MigrateError),
}

impl From<sqlx::migrate::MigrateError> for MigrateError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::VersionMissing(version) => Self::Unknown(version),
            sqlx::migrate::MigrateError::VersionMismatch(version) => Self::Changed(version),
            other => Self::Failed(other),
        }
    }
}

/// Applies what is missing, on a connection of its own: after a failure sqlx keeps its advisory lock on the session.
///
/// # Errors
/// [`MigrateError`]; a failed migration leaves the schema at the one before.
pub async fn migrate(options: &PgConnectOptions) -> Result<(), MigrateError> {
    let mut connection: PgConnection = options.connect().await?;
    let result = MIGRATOR.run(&mut connection).await;
    connection.close().await?;
    Ok(result?)
}

/// The versions this binary has and the database lacks.
///
/// # Errors
/// [`MigrateError::Unknown`] when the database is newer than the binary, [`MigrateError::Database`].
pub async fn pending(options: &PgConnectOptions) -> Result<Vec<i64>, MigrateError> {
    let mut connection: PgConnection = options.connect().await?;
    let exists: Option<String> = sqlx::query_scalar("select to_regclass('public.schema_migrations')::text")
        .fetch_one(&mut connection)
        .await?;
    let applied: Vec<i64> = if exists.is_some() {
        sqlx::query_scalar("select version from public.schema_migrations where success order by version")
            .fetch_all(&mut connection)
            .await?
    } else {
        Vec::new()
    };
    connection.close().await?;
    let known: Vec<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    if let Some(unknown) = applied.iter().find(|version| !known.contains(version)) {
        return Err(MigrateError::Unknown(*unknown));
    }
    Ok(known.into_iter().filter(|version| !applied.contains(version)).collect())
}

/// Tells the database the pads of the gateway's claim key, so that it can verify claims. Run by the migrator.
///
/// # Errors
/// [`MigrateError::Database`].
pub async fn install_claim_key(options: &PgConnectOptions, key: &ClaimKey) -> Result<(), MigrateError> {
    let mut connection: PgConnection = options.connect().await?;
    let (inner, outer) = key.pads();
    sqlx::query("select sec.install_claim_key($1, $2, $3)")
        .bind(key.id())
        .bind(&inner[..])
        .bind(&outer[..])
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}
