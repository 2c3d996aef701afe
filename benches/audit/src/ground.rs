//! The database that is measured: every commit is on disk before it is answered.
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

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
use tokio::{sync::Notify, task::JoinHandle};

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
    /// Rung after each commit, as the service does.
    pub wake: Arc<Notify>,
    numbered: AtomicU64,
    grown: Notify,
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
        sqlx::raw_sql("create table public.bare (id bigint not null, body text not null); grant insert on public.bare to kg_app; grant usage on schema public to kg_app")
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
            wake: Arc::default(),
            numbered: AtomicU64::new(0),
            grown: Notify::new(),
            world,
            db,
        }
    }

    pub fn caller(&self) -> OpContext {
        self.world.caller(Level::TenantAdmin)
    }

    /// As the service runs it, until `stop` rings.
    pub fn integrate(self: &Arc<Self>, stop: Arc<Notify>) -> JoinHandle<()> {
        let pool = PgPoolOptions::new()
            .max_connections(2)
            .connect_lazy_with(self.db.options(Role::Integrator));
        let ground = self.clone();
        let integrator = Integrator::new(pool, "bench.example".parse().expect("a host"), Arc::new(Signer));
        let integrator = integrator.on_pass(move |passed| {
            let report = passed.as_ref().expect("a pass");
            ground.numbered.fetch_add(report.numbered as u64, Ordering::Release);
            ground.grown.notify_one();
        });
        let wake = self.wake.clone();
        tokio::spawn(async move { integrator.run(wake, async move { stop.notified().await }).await })
    }

    /// How many entries have an index.
    pub fn numbered(&self) -> u64 {
        self.numbered.load(Ordering::Acquire)
    }

    /// Waits until `count` entries have one.
    pub async fn until_numbered(&self, count: u64) {
        while self.numbered() < count {
            self.grown.notified().await;
        }
    }
}
