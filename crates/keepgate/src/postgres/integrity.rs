//! Whether the walls inside the database are still those this binary built.
use keepgate_store::postgres::{MigrateError, catalogue};
use sqlx::{ConnectOptions, Connection};

use super::Link;

/// What a look at the walls found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Integrity {
    /// They were compared.
    Compared {
        /// What differs, each in a few words; empty is good.
        differences: Vec<String>,
        /// Whether event triggers refuse changes outside of migrations.
        guarded: bool,
    },
    /// A newer binary migrated the database meanwhile: this one can't tell what it should look like.
    Newer(i64),
}

/// Looks, on a connection of its own: nothing an earlier user of a pooled one may have set is in the way.
///
/// # Errors
/// Those of the connection.
pub async fn integrity(link: &Link) -> Result<Integrity, MigrateError> {
    let mut connection = link.connect().await?;
    let found = catalogue(&mut connection).await;
    connection.close().await?;
    match found {
        Ok(found) => Ok(Integrity::Compared {
            differences: found.differences.iter().map(ToString::to_string).collect(),
            guarded: found.guarded,
        }),
        Err(MigrateError::Unknown(version)) => Ok(Integrity::Newer(version)),
        Err(error) => Err(error),
    }
}
