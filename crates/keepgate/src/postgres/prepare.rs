//! What an administrator does once for a database of one's own: here for the private one, at every start.
use keepgate_pg_local::LocalPg;
use keepgate_store::postgres::{GUARD_SQL, LOCKDOWN_SQL, ROLES_SQL, options};
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::connect_failure;
use crate::{
    embedded::{DATABASE, ROLES},
    exit::Exit,
    failure::{Failure, chain},
};

/// Sets the passwords without one ever being part of a statement's text.
const PASSWORDS: &str = "DO $$ DECLARE r text; BEGIN
  FOREACH r IN ARRAY ARRAY['kg_app', 'kg_auth', 'kg_integrator', 'kg_migrator'] LOOP
    EXECUTE format('ALTER ROLE %I PASSWORD %L', r, current_setting('kg_pass.' || r));
  END LOOP;
END $$";

/// Creates the database, the roles with their passwords, and takes away what nobody needs. Safe to repeat.
///
/// # Errors
/// Exit code 10; the messages hold no password.
pub async fn prepare(pg: &LocalPg) -> Result<(), Failure> {
    create_database(pg).await?;
    let mut connection = connect(pg, DATABASE).await?;
    for statements in [ROLES_SQL, LOCKDOWN_SQL, GUARD_SQL] {
        sqlx::raw_sql(statements)
            .execute(&mut connection)
            .await
            .map_err(failed)?;
    }
    for role in ROLES {
        let password = pg.password(role).map(|password| password.expose()).unwrap_or_default();
        let name = format!("kg_pass.{role}");
        sqlx::query!("select set_config($1, $2, false)", name, password)
            .fetch_one(&mut connection)
            .await
            .map_err(failed)?;
    }
    sqlx::raw_sql(PASSWORDS)
        .execute(&mut connection)
        .await
        .map_err(failed)?;
    connection.close().await.map_err(failed)
}

async fn create_database(pg: &LocalPg) -> Result<(), Failure> {
    let mut connection = connect(pg, "postgres").await?;
    let exists = sqlx::query_scalar!(
        r#"select exists (select from pg_database where datname = $1) as "exists!""#,
        DATABASE
    );
    if !exists.fetch_one(&mut connection).await.map_err(failed)? {
        sqlx::raw_sql("CREATE DATABASE keepgate")
            .execute(&mut connection)
            .await
            .map_err(failed)?;
    }
    connection.close().await.map_err(failed)
}

async fn connect(pg: &LocalPg, database: &str) -> Result<PgConnection, Failure> {
    let options = options(&pg.url(database, pg.superuser())).map_err(|error| connect_failure(&error))?;
    options.connect().await.map_err(failed)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: sqlx::Error) -> Failure {
    let code = error.as_database_error().and_then(|error| error.code());
    let exit = if code.as_deref() == Some("53100") {
        Exit::DiskFull
    } else {
        Exit::NoPostgres
    };
    Failure::new(
        exit,
        "can't prepare the private database",
        chain(&error),
        "see postgres.log in the data directory",
    )
}
