//! One database for each test, copied from a migrated template.
use std::{fmt::Write as _, str::FromStr, sync::Arc};

use keepgate_kernel::{RequestId, SystemClock};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::postgres::{ClaimKey, MIGRATOR, PgStore, ROLES_SQL, Role};

const CLAIM_KEY: [u8; 32] = [7; 32]; // fixture: databases of tests only

/// A throwaway database with the newest schema, and connections to it as each role.
#[derive(Debug)]
pub struct TestDb {
    base: PgConnectOptions,
    name: String,
}

async fn run(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .expect("statement of the test harness");
}

impl TestDb {
    /// A fresh database. Panics without `DATABASE_URL`: a missing judge is a failure, not a skip.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test runner hands the throwaway cluster over in the environment"
    )]
    pub async fn new() -> Self {
        let url = std::env::var("DATABASE_URL").expect("DATABASE_URL of a throwaway cluster; run `cargo xtask test`");
        let base = PgConnectOptions::from_str(&url)
            .expect("DATABASE_URL is a postgres:// URL")
            .database("postgres");
        let mut admin = base.connect().await.expect("the test cluster answers");
        let template = Self::template(&base, &mut admin).await;
        let name = format!(
            "kg_{}",
            RequestId::new(keepgate_kernel::Clock::now(&SystemClock))
                .uuid()
                .simple()
        );
        run(&mut admin, format!("create database {name} template {template}")).await;
        let _closed = admin.close().await;
        Self { base, name }
    }

    /// The template's name carries the checksums of the migrations, so a changed schema makes a new one.
    async fn template(base: &PgConnectOptions, admin: &mut PgConnection) -> String {
        let mut name = String::from("kg_template");
        for migration in MIGRATOR.iter() {
            let _infallible = write!(name, "_{:02x}", migration.checksum.first().copied().unwrap_or(0));
        }
        name.truncate(60);
        run(admin, "select pg_advisory_lock(4711)".into()).await;
        let exists: Option<bool> = sqlx::query_scalar("select datistemplate from pg_database where datname = $1")
            .bind(&name)
            .fetch_optional(&mut *admin)
            .await
            .expect("the catalogue answers");
        if exists != Some(true) {
            run(admin, format!("drop database if exists {name}")).await;
            run(admin, format!("create database {name}")).await;
            let options = base.clone().database(&name);
            let mut connection = options.connect().await.expect("the template answers");
            run(&mut connection, ROLES_SQL.into()).await;
            let _closed = connection.close().await;
            crate::postgres::migrate(&options).await.expect("the migrations apply");
            crate::postgres::install_claim_key(&options, &ClaimKey::new("test", CLAIM_KEY))
                .await
                .expect("a claim key");
            run(admin, format!("alter database {name} is_template true")).await;
        }
        run(admin, "select pg_advisory_unlock(4711)".into()).await;
        name
    }

    /// A connection as the cluster's superuser, who passes every policy: for arranging, never for asserting.
    pub async fn admin(&self) -> PgConnection {
        self.base
            .clone()
            .database(&self.name)
            .connect()
            .await
            .expect("the test database answers")
    }

    /// Options that log in as `role`.
    #[must_use]
    pub fn options(&self, role: Role) -> PgConnectOptions {
        self.base.clone().database(&self.name).username(role.name())
    }

    /// A store logged in as the service.
    #[must_use]
    pub fn store(&self) -> PgStore {
        self.store_as(Role::App)
    }

    /// A store logged in as whoever serves log-ins.
    #[must_use]
    pub fn front_store(&self) -> PgStore {
        self.store_as(Role::Auth)
    }

    fn store_as(&self, role: Role) -> PgStore {
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .connect_lazy_with(self.options(role));
        PgStore::new(pool, ClaimKey::new("test", CLAIM_KEY), Arc::new(SystemClock))
    }

    /// Drops the database; connections still open are cut.
    pub async fn drop(self) {
        let mut admin = self.base.connect().await.expect("the test cluster answers");
        run(
            &mut admin,
            format!("drop database if exists {} with (force)", self.name),
        )
        .await;
    }
}
