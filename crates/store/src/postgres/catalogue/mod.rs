//! Whether the walls inside a database are those this binary was built with: every table, policy, trigger, function, right, role
//! and setting that a wall is made of, compared with what its own migrations leave behind.
//!
//! `expected.txt` is written from a freshly migrated database (`cargo xtask catalogue`) and is the same for every supported
//! server; `catalogue.sql` says what is looked at. Months are compared with each other's pattern, however many there are.
mod compare;

use sqlx::{Connection, PgConnection};

pub use compare::Difference;

use super::{MIGRATOR, MigrateError};

/// The lines that this binary's migrations leave behind.
const EXPECTED: &str = include_str!("expected.txt");
/// Asks for the lines of a database.
const QUESTION: &str = include_str!("catalogue.sql");

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalogue {
    /// Where the database differs, in the order of names; empty when every wall stands as it was built.
    pub differences: Vec<Difference>,
    /// Whether the event triggers of `guard.sql` are there at all. A server of somebody else's may not allow them; when they
    /// are there, they are compared as everything else.
    pub guarded: bool,
}

/// Looks at the walls, changing nothing. Every role may: the catalogues are readable by all.
///
/// # Errors
/// [`MigrateError::Database`], and [`MigrateError::Unknown`] for a schema that a newer binary made: nothing can be compared then.
pub async fn catalogue(connection: &mut PgConnection) -> Result<Catalogue, MigrateError> {
    let applied = applied(connection).await?;
    let mut transaction = connection.begin().await?;
    // Names are printed with their schema unless it is on the path.
    sqlx::query("set local search_path = pg_catalog")
        .execute(&mut *transaction)
        .await?;
    let lines: Vec<(Option<String>, String)> = sqlx::query_as(QUESTION).fetch_all(&mut *transaction).await?;
    transaction.rollback().await?;
    let mut found = compare::compare(EXPECTED, &lines);
    found.differences.extend(applied);
    Ok(found)
}

/// Migrations that were applied in another form than this binary's.
async fn applied(connection: &mut PgConnection) -> Result<Vec<Difference>, MigrateError> {
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("select version, checksum from public.schema_migrations where success order by version")
            .fetch_all(connection)
            .await?;
    let mut changed = Vec::new();
    for (version, checksum) in applied {
        match MIGRATOR.iter().find(|migration| migration.version == version) {
            None => return Err(MigrateError::Unknown(version)),
            Some(ours) if *ours.checksum != *checksum => {
                changed.push(Difference::changed(format!("migration {version:04}")))
            }
            Some(_) => {}
        }
    }
    Ok(changed)
}
