//! The log that is searched.
use std::sync::Arc;

use async_trait::async_trait;
use keepgate_audit::{AuditReader, EntryQuery, Page};
use keepgate_kernel::{Level, SystemClock};
use keepgate_policy::OpContext;
use keepgate_store::{
    Begin, PgStore, StoreError,
    postgres::{ClaimKey, Role},
    testing::{TestDb, TestTx, World},
};
use sqlx::postgres::PgPoolOptions;

/// A database with one long log.
pub struct Ground {
    store: PgStore,
    caller: OpContext,
    raw: sqlx::PgPool,
    _db: TestDb,
}

/// The cast is made for a suite's transaction type; ours has nothing of its own.
trait Tx: TestTx {}
impl<T: TestTx> Tx for T {}

#[async_trait]
impl Begin<dyn Tx> for PgStore {
    async fn begin(&self, context: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(Self::begin(self, context).await?))
    }
}

impl Ground {
    pub async fn new(entries: u64) -> Self {
        let db = TestDb::new().await;
        let world = World::<dyn Tx>::postgres(&db).await;
        let caller = world.caller(Level::TenantAdmin);
        let mut admin = db.admin().await;
        let load = format!(
            "set bench.tenant = '{}'; set bench.count = '{entries}';",
            caller.tenant().uuid()
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(load))
            .execute(&mut admin)
            .await
            .expect("settings");
        // One by one: a block that commits can't be part of a batch, nor can VACUUM.
        for statement in include_str!("load.sql").split(";\n\n") {
            sqlx::raw_sql(statement)
                .execute(&mut admin)
                .await
                .expect("the log is written");
        }
        let pool = |role| PgPoolOptions::new().max_connections(1).connect_lazy_with(role);
        let superuser: String = sqlx::query_scalar("select current_user::text")
            .fetch_one(&mut admin)
            .await
            .expect("a name");
        Self {
            store: PgStore::new(
                pool(db.options(Role::App)),
                ClaimKey::new("test", [7; 32]),
                Arc::new(SystemClock),
            ),
            raw: pool(db.options(Role::App).username(&superuser)),
            caller,
            _db: db,
        }
    }

    /// As the service does it: a transaction with the caller's claims, a search, no commit.
    pub async fn page(&self, query: &EntryQuery) -> Page {
        let mut tx = self.store.begin(&self.caller).await.expect("a transaction");
        tx.entries(query).await.expect("a page")
    }

    /// What no search can beat.
    pub async fn by_key(&self, start: u64) {
        sqlx::query("select * from audit.search where tenant_id = $1 and idx >= $2 order by idx limit 50")
            .bind(self.caller.tenant().uuid())
            .bind(i64::try_from(start).unwrap_or_default())
            .fetch_all(&self.raw)
            .await
            .expect("rows");
    }
}
