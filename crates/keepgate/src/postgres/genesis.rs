//! The first tenants and principals, written as `kg_migrator`, and whose key file the database belongs to.
use keepgate_identity::genesis::{GenesisError, Plan, SecondError, SecondPlan};
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

/// Writes the second global admin.
///
/// # Errors
/// Exit code 1 when there are two, or the address is taken; 6 before the genesis; 3 when the database fails.
pub async fn write_second(migrator: &Link, plan: &SecondPlan) -> Result<(), Failure> {
    let mut connection = migrator.connect().await.map_err(|error| failed(&error))?;
    let written = keepgate_identity::postgres::appoint_second(&mut connection, plan).await;
    connection.close().await.map_err(|error| failed(&error))?;
    let refused = |exit, what: &str, help| Failure::new(exit, "no global admin was appointed", what.to_owned(), help);
    written.map_err(|error| match error {
        SecondError::NoGenesis => refused(
            Exit::SchemaOld,
            "there is no first one yet",
            "run `keepgate admin bootstrap`, or start the service once",
        ),
        SecondError::TwoAlready => refused(
            Exit::Failed,
            "two may act already",
            "let them appoint the next one together: POST /v1/approvals with role.grant_global",
        ),
        SecondError::EmailTaken => refused(
            Exit::Failed,
            "somebody of the platform has that e-mail address",
            "name another address",
        ),
        SecondError::Store(error) => failed(&error),
    })
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(
        Exit::Incomplete,
        "can't reach the database",
        chain(error),
        "check that it runs and that its roles may log in",
    )
}
