//! The integrator: the one writer of indices, tiles and checkpoints. Logs in as `kg_integrator`.
use std::{collections::BTreeMap, sync::Arc};

use keepgate_kernel::TenantId;
use keepgate_store::StoreError;
use sqlx::PgPool;

use crate::{LogHost, LogSigner, PassReport, integrate::Fence};

mod extend;
mod pass;
mod pending;
mod rows;
mod run;

/// How many passes leave out a log that could not go on.
const PASSES_HELD: u32 = 20;

/// Told how each pass ended: for metrics and alarms.
type Callback = Arc<dyn Fn(&Result<PassReport, StoreError>) + Send + Sync>;

/// Numbers settled entries and signs checkpoints. Several may run: an advisory lock lets one work at a time, unique
/// indices and a compare-and-set on the size of each log catch what the lock would not.
pub struct Integrator {
    pool: PgPool,
    host: LogHost,
    signer: Arc<dyn LogSigner>,
    on_pass: Callback,
    fence: Fence,
    /// Logs to leave out, and for how many passes more.
    held: BTreeMap<TenantId, u32>,
}

impl Integrator {
    /// An integrator over `pool`, whose connections are logged in as `kg_integrator`; it uses one at a time. New logs are
    /// named after `host`.
    #[must_use]
    pub fn new(pool: PgPool, host: LogHost, signer: Arc<dyn LogSigner>) -> Self {
        Self {
            pool,
            host,
            signer,
            on_pass: Arc::new(|_| ()),
            fence: Fence::default(),
            held: BTreeMap::new(),
        }
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
