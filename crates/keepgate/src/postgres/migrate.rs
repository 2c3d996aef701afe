//! The schema's version.
use keepgate_store::postgres::{MIGRATOR, MigrateError, migrate, pending};

use sqlx::{ConnectOptions, Connection};

use super::{Databases, Link, prepare};
use crate::{
    config::Config,
    data_dir, embedded,
    environment::Environment,
    exit::Exit,
    failure::{Failure, chain},
};

/// Applies what is missing as `kg_migrator`, and returns the versions applied.
///
/// # Errors
/// Exit code 7 when the database is newer, 1 when a migration failed, 3 when there is no connection.
pub async fn bring_up_to_date(migrator: &Link) -> Result<Vec<i64>, Failure> {
    let missing = pending(migrator).await.map_err(|error| failure(&error))?;
    // Also when nothing is missing: it compares what was applied with what this binary holds.
    migrate(migrator).await.map_err(|error| failure(&error))?;
    let_the_service_read(migrator)
        .await
        .map_err(|error| failure(&error.into()))?;
    Ok(missing)
}

/// So that `serve` can tell an old schema without the migrator's rights.
async fn let_the_service_read(migrator: &Link) -> Result<(), sqlx::Error> {
    let mut connection = migrator.connect().await?;
    sqlx::raw_sql("GRANT SELECT ON public.schema_migrations TO kg_app")
        .execute(&mut connection)
        .await?;
    connection.close().await
}

/// Refuses a database that lacks migrations or is newer than this binary.
///
/// # Errors
/// Exit code 6 or 7.
pub async fn must_be_current(link: &Link) -> Result<(), Failure> {
    let missing = pending(link).await.map_err(|error| failure(&error))?;
    let Some(first) = missing.first() else { return Ok(()) };
    Err(Failure::new(
        Exit::SchemaOld,
        "the database is older than this binary",
        format!("{} migrations are missing, the first is {first:04}", missing.len()),
        "run `keepgate migrate` with the same configuration, then start again",
    ))
}

/// `keepgate migrate`: the configured database, or the private one while no service runs on it.
///
/// # Errors
/// As [`bring_up_to_date`]; exit code 9 while a service holds the data directory.
pub fn migrate_command(config: &Config, environment: &Environment) -> Result<Vec<i64>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::io("can't start the runtime", &error))?;
    if let Some(databases) = Databases::external(config)? {
        return runtime.block_on(bring_up_to_date(databases.migrator()?));
    }
    let lock = data_dir::take(&config.data_dir)?;
    let pg = embedded::start(config, environment, lock)?;
    let databases = Databases::embedded(&pg)?;
    runtime.block_on(async {
        prepare(&pg).await?;
        bring_up_to_date(databases.migrator()?).await
    })
}

/// What each error means for the one who started us.
fn failure(error: &MigrateError) -> Failure {
    let newest = MIGRATOR
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default();
    match error {
        MigrateError::Unknown(version) => Failure::new(
            Exit::SchemaNew,
            "the database is newer than this binary",
            format!("it has migration {version:04}; this binary knows up to {newest:04}"),
            "start the version of keepgate that migrated it, or a newer one",
        ),
        MigrateError::Changed(version) => Failure::new(
            Exit::SchemaNew,
            "the database was migrated by another build",
            format!("migration {version:04} was applied in another form"),
            "use the released binary that migrated it",
        ),
        MigrateError::Database(source) => {
            let code = source.as_database_error().and_then(|error| error.code());
            match code.as_deref() {
                Some("53100") => Failure::new(
                    Exit::DiskFull,
                    "can't read the schema's version",
                    "no disk space is left",
                    "free some space",
                ),
                Some("42501") => Failure::new(
                    Exit::SchemaOld,
                    "can't read the schema's version",
                    chain(source),
                    "as a superuser, `GRANT USAGE ON SCHEMA public TO kg_app`, then run `keepgate migrate`; or set migrate_url",
                ),
                _ => Failure::new(
                    Exit::Incomplete,
                    "can't reach the database",
                    chain(error),
                    "check that it runs and the role may log in",
                ),
            }
        }
        MigrateError::Failed(_) => Failure::new(
            Exit::Failed,
            "a migration failed and was rolled back",
            chain(error),
            "the schema is at the version before; correct the cause and run `keepgate migrate` again",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_database_has_its_own_exit_code_and_names_the_migration() {
        let said = failure(&MigrateError::Unknown(9999));
        assert_eq!(said.exit, Exit::SchemaNew);
        assert!(said.to_string().contains("9999"), "{said}");
    }
}
