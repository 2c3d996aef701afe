//! The database that is measured: every commit is on disk before it is answered.
use std::sync::Arc;

use async_trait::async_trait;
use keepgate_audit::{AuditLog, LogKeys, LogSigner, SignerError, journal::Journal, postgres::Integrator};
use keepgate_kernel::{Level, SystemClock, TenantId};
use keepgate_merkle::note::NoteSigner;
use keepgate_policy::OpContext;
use keepgate_store::{
    Begin, PgStore, StoreError,
    postgres::{ClaimKey, Role},
    testing::{TestDb, TestTx, World},
};
use sqlx::{PgPool, postgres::PgPoolOptions};

/// Who writes at the same time.
pub const WRITERS: u32 = 32;

/// One cluster's database, a cast, and three ways in.
pub struct Ground {
    pub db: TestDb,
    world: World<dyn Tx>,
    pub store: PgStore,
    pub journal: Journal,
    /// A superuser's connections, for the bare table.
    pub bare: PgPool,
}

/// The cast is made for a suite's transaction type; ours has nothing of its own.
pub trait Tx: TestTx + AuditLog {}
impl<T: TestTx + AuditLog> Tx for T {}

#[async_trait]
impl Begin<dyn Tx> for PgStore {
    async fn begin(&self, context: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(Self::begin(self, context).await?))
    }
}

struct Signer;

fn keys(origin: &str) -> Result<Arc<LogKeys>, SignerError> {
    let name = origin.parse().map_err(|_| "the name of a log names its key")?;
    let signer = NoteSigner::from_seed(name, &[9; 32]).map_err(|_| "a seed of 32 bytes")?;
    Ok(Arc::new(signer.into()))
}

#[async_trait]
impl LogSigner for Signer {
    async fn keys_for(&self, _: TenantId, origin: &str) -> Result<Arc<LogKeys>, SignerError> {
        keys(origin)
    }

    async fn meta_keys(&self, origin: &str) -> Result<Option<Arc<LogKeys>>, SignerError> {
        keys(origin).map(Some)
    }
}

async fn connected(options: sqlx::postgres::PgConnectOptions) -> PgPool {
    let pool = PgPoolOptions::new().min_connections(WRITERS).max_connections(WRITERS);
    pool.connect_with(options).await.expect("the cluster answers")
}

impl Ground {
    pub async fn new() -> Self {
        let db = TestDb::new().await;
        let world = World::postgres(&db).await;
        let app = connected(db.options(Role::App)).await;
        let mut admin = db.admin().await;
        let durable: String =
            sqlx::query_scalar("select current_setting('fsync') || current_setting('synchronous_commit')")
                .fetch_one(&mut admin)
                .await
                .expect("settings");
        assert_eq!(durable, "onon", "only what survives a power cut is measured");
        sqlx::raw_sql("create table public.bare (id bigint not null, body text not null)")
            .execute(&mut admin)
            .await
            .expect("a table");
        let superuser: String = sqlx::query_scalar("select current_user::text")
            .fetch_one(&mut admin)
            .await
            .expect("a name");
        let store = PgStore::new(app, ClaimKey::new("test", [7; 32]), Arc::new(SystemClock));
        Self {
            journal: Journal::new(store.clone()),
            store,
            bare: connected(db.options(Role::App).username(&superuser)).await,
            world,
            db,
        }
    }

    pub fn caller(&self) -> OpContext {
        self.world.caller(Level::TenantAdmin)
    }

    /// As the service runs it.
    pub fn integrator(&self) -> Integrator {
        let pool = PgPoolOptions::new()
            .max_connections(2)
            .connect_lazy_with(self.db.options(Role::Integrator));
        Integrator::new(pool, "bench.example".parse().expect("a host"), Arc::new(Signer))
    }
}
