//! Questions asked before there is a service: whose platform, which log.
use std::time::Duration;

use keepgate_kernel::TenantId;
use sqlx::{ConnectOptions, Connection};

use super::Link;
use crate::{
    exit::Exit,
    failure::{Failure, chain},
};

/// How long a database may take to be reached at the start.
const PATIENCE: Duration = Duration::from_secs(15);

/// The platform's tenant; `None` before the genesis. As `kg_app`.
///
/// # Errors
/// Exit code 3 without a connection, 6 without the schema.
pub async fn platform_tenant(app: &Link) -> Result<Option<TenantId>, Failure> {
    let ask = async {
        let mut connection = app.connect().await?;
        let id = sqlx::query_scalar!("select gate.platform_tenant()")
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>(id.map(TenantId::from_uuid))
    };
    match tokio::time::timeout(PATIENCE, ask).await {
        Ok(answer) => answer.map_err(|error| failure(&error)),
        Err(_) => Err(Failure::new(
            Exit::Incomplete,
            "can't reach the database",
            "it does not answer",
            "check that it runs",
        )),
    }
}

fn failure(error: &sqlx::Error) -> Failure {
    let code = error.as_database_error().and_then(|error| error.code());
    match code.as_deref() {
        // No such schema or function.
        Some("3F000" | "42883") => Failure::new(
            Exit::SchemaOld,
            "the database is empty",
            "it has no schema of Keepgate's",
            "run `keepgate migrate` with the same configuration, then `keepgate admin bootstrap`",
        ),
        _ => Failure::new(
            Exit::Incomplete,
            "can't reach the database",
            chain(error),
            "check that it runs and that kg_app may log in",
        ),
    }
}
