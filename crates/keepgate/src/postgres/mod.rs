//! The database as the binary meets it: which one, prepared how, walls intact or not. The only module here that knows sqlx.
mod doors;
mod genesis;
mod ground;
mod inspect;
mod instance;
mod integrity;
mod log_sizes;
mod migrate;
mod prepare;
mod seed_rows;
mod settle;
mod signers;
mod stored_log;

pub use doors::{Door, Doors};
pub use genesis::{write_genesis, write_second};
pub use ground::platform_tenant;
pub use inspect::{Walls, inspect};
pub use instance::settle_instance_key;
pub use integrity::{Integrity, integrity};
pub use log_sizes::log_sizes;
pub use migrate::{bring_up_to_date, migrate_command, must_be_current};
pub use prepare::prepare;
pub use seed_rows::SeedRows;
pub use settle::{Databases, Link, connect_failure, link};
pub use signers::Signers;
pub use stored_log::{StoredLog, StoredRow};

/// Breaks the walls, for the test of the doctor.
#[cfg(test)]
pub async fn breach(link: &Link) {
    use sqlx::ConnectOptions;
    let mut connection = link.connect().await.unwrap();
    for statement in [
        "ALTER EVENT TRIGGER kg_ddl DISABLE",
        "ALTER EVENT TRIGGER kg_drop DISABLE",
        "ALTER ROLE kg_app BYPASSRLS",
        "GRANT kg_owner TO kg_app",
        "ALTER TABLE rbac.tenant NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE audit.tile ENABLE TRIGGER notruncate",
        "DROP TRIGGER nochange ON audit.checkpoint",
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_sleep(float8) TO PUBLIC",
    ] {
        sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    }
}

/// Gives back what the lockdown takes, as a managed PostgreSQL that refuses it, for the test of the doctor.
#[cfg(test)]
pub async fn unlock(link: &Link) {
    use sqlx::ConnectOptions;
    let back = keepgate_store::postgres::LOCKDOWN_SQL
        .replace("REVOKE ", "GRANT ")
        .replace("FROM PUBLIC", "TO PUBLIC");
    let mut connection = link.connect().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(back))
        .execute(&mut connection)
        .await
        .unwrap();
}
