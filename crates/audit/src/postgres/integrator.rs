//! The integrator: the one writer of indices, tiles and checkpoints. Logs in as `kg_integrator`.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use chrono::TimeDelta;
use keepgate_kernel::TenantId;
use keepgate_store::StoreError;
use sqlx::PgPool;
use tokio::time::Instant;

use crate::{
    LogHost, LogSigner, PassReport, SignedHeads,
    clock::{OVERLAP, Order},
    integrate::Fence,
};

mod extend;
mod meta;
mod order;
mod pass;
mod pending;
mod round;
mod rows;
mod run;
mod scan;
mod step;

#[cfg(feature = "fault-points")]
pub use step::Step;

/// How many passes leave out a log that could not go on.
const PASSES_HELD: u32 = 20;
/// How often a log that grows is signed, unless told otherwise.
const SIGN_EVERY: Duration = Duration::from_secs(1);

/// Told how each pass ended: for metrics and alarms.
type Callback = Arc<dyn Fn(&Result<PassReport, StoreError>) + Send + Sync>;

/// Numbers settled entries and signs checkpoints. Several may run: an advisory lock lets one work at a time, unique
/// indices and a compare-and-set on the size of each log catch what the lock would not, and each refuses to sign what does
/// not continue everything it has signed itself.
pub struct Integrator {
    pool: PgPool,
    host: LogHost,
    signer: Arc<dyn LogSigner>,
    heads: Option<Arc<dyn SignedHeads>>,
    on_pass: Callback,
    step: step::Hook,
    sign_every: Duration,
    /// What was signed here; `None` before it was read.
    fence: Option<Fence>,
    /// Logs to leave out, and for how many passes more.
    held: BTreeMap<TenantId, u32>,
    /// Logs that could not go on when they were tried last.
    faulty: BTreeSet<TenantId>,
    /// Logs that are shorter than what was signed here.
    behind: BTreeSet<TenantId>,
    /// Whether the log of logs could not go on when it was tried last.
    meta_faulty: bool,
    /// Logs with leaves that no checkpoint covers yet.
    unsigned: BTreeSet<TenantId>,
    /// How far times may go back from one entry of a log to the next.
    overlap: TimeDelta,
    /// The times of each log that grew here, up to an index.
    orders: BTreeMap<TenantId, (i64, Order)>,
    /// When logs were signed last.
    round: Option<Instant>,
    /// When all logs were looked at last.
    scanned: Option<Instant>,
}

impl Integrator {
    /// An integrator over `pool`, whose connections are logged in as `kg_integrator`; it uses one at a time. New logs are
    /// named after `host`. What it signed it remembers only as long as it lives, unless [`Integrator::remembering`].
    #[must_use]
    pub fn new(pool: PgPool, host: LogHost, signer: Arc<dyn LogSigner>) -> Self {
        Self {
            pool,
            host,
            signer,
            heads: None,
            on_pass: Arc::new(|_| ()),
            step: step::Hook::default(),
            sign_every: SIGN_EVERY,
            fence: None,
            held: BTreeMap::new(),
            faulty: BTreeSet::new(),
            behind: BTreeSet::new(),
            meta_faulty: false,
            unsigned: BTreeSet::new(),
            overlap: OVERLAP,
            orders: BTreeMap::new(),
            round: None,
            scanned: None,
        }
    }

    /// Remembers what it signed in `heads`, outside of the database, and reads that before it signs anything.
    #[must_use]
    pub fn remembering(mut self, heads: Arc<dyn SignedHeads>) -> Self {
        self.heads = Some(heads);
        self
    }

    /// Signs logs that grew so often: a second, if nobody says otherwise. Zero: in the pass that numbers their entries.
    #[must_use]
    pub const fn sign_every(mut self, period: Duration) -> Self {
        self.sign_every = period;
        self
    }

    /// Tells of times that go back by more than `overlap` from one entry of a log to the next: as long as a transaction may take,
    /// [`OVERLAP`] if nobody says otherwise.
    #[must_use]
    pub const fn overlap(mut self, overlap: TimeDelta) -> Self {
        self.overlap = overlap;
        self
    }

    /// Calls `callback` after each pass of [`Integrator::run`].
    #[must_use]
    pub fn on_pass(mut self, callback: impl Fn(&Result<PassReport, StoreError>) + Send + Sync + 'static) -> Self {
        self.on_pass = Arc::new(callback);
        self
    }

    /// Makes the partitions of this month and the next three. Returns how many were missing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] without a database.
    pub async fn ensure_partitions(&self) -> Result<u32, StoreError> {
        let made =
            sqlx::query_scalar!(r#"select audit.ensure_partitions((now() at time zone 'UTC')::date, 4) as "made!""#)
                .fetch_one(&self.pool)
                .await?;
        Ok(u32::try_from(made).unwrap_or(0))
    }
}

impl std::fmt::Debug for Integrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Integrator")
            .field("host", &self.host)
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}
