//! The first tenants and principals, written as `kg_migrator`, and whose key file the database belongs to.
use keepgate_identity::genesis::{GenesisError, Plan};
use sqlx::{ConnectOptions, Connection};

use super::Link;
use crate::{
    exit::Exit,
    failure::{Failure, chain},
};

/// Writes `plan`; `false` if somebody was first, and then nothing was changed.
///
/// # Errors
/// Exit code 3 when the database fails; nothing was changed then.
pub async fn write_genesis(migrator: &Link, plan: &Plan) -> Result<bool, Failure> {
    let mut connection = migrator.connect().await.map_err(|error| failed(&error))?;
    let written = match keepgate_identity::postgres::genesis(&mut connection, plan).await {
        Ok(()) => true,
        Err(GenesisError::AlreadyDone) => false,
        Err(error) => return Err(failed(&error)),
    };
    connection.close().await.map_err(|error| failed(&error))?;
    Ok(written)
}

/// Refuses a database whose signing keys another key file wrapped. As `kg_integrator`.
///
/// # Errors
/// Exit code 4 for another key file, 3 without a connection.
pub async fn must_be_of(integrator: &Link, kek: &str) -> Result<(), Failure> {
    let mut connection = integrator.connect().await.map_err(|error| failed(&error))?;
    let foreign = sqlx::query_scalar!("select kek from keys.signing_key where kek <> $1 limit 1", kek);
    let foreign = foreign
        .fetch_optional(&mut connection)
        .await
        .map_err(|error| failed(&error))?;
    connection.close().await.map_err(|error| failed(&error))?;
    let Some(foreign) = foreign else { return Ok(()) };
    Err(Failure::new(
        Exit::KeyFile,
        "this is another installation's key file",
        format!("the database was sealed under key {foreign}, the file holds key {kek}"),
        "restore the right file from your backup, or name it with `kek_file`",
    ))
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(
        Exit::Incomplete,
        "can't reach the database",
        chain(error),
        "check that it runs and that its roles may log in",
    )
}
