//! Statements that are transactions by themselves.
use std::sync::Arc;

use keepgate_kernel::Clock;
use keepgate_policy::OpContext;
use sqlx::{PgConnection, Postgres, pool::PoolConnection};

use super::{ClaimKey, PgStore, connect::acquire};
use crate::StoreError;

/// A connection for statements that carry their claims along, instead of entering first: one round trip each. The
/// functions they call pass `gate.enter` themselves.
#[derive(Debug)]
pub struct PgLane {
    connection: PoolConnection<Postgres>,
    backend: i32,
    key: Arc<ClaimKey>,
    clock: Arc<dyn Clock>,
}

impl PgStore {
    /// A connection of the pool, until the lane is dropped.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when there is none within the pool's time limit.
    pub async fn lane(&self) -> Result<PgLane, StoreError> {
        let mut connection = acquire(&self.pool).await?;
        let backend = sqlx::query_scalar!(r#"select pg_backend_pid() as "pid!""#)
            .fetch_one(&mut *connection)
            .await?;
        Ok(PgLane {
            connection,
            backend,
            key: self.key.clone(),
            clock: self.clock.clone(),
        })
    }
}

impl PgLane {
    /// The claims of `context` for this connection and the next seconds, and their signature.
    #[must_use]
    pub fn claims(&self, context: &OpContext) -> (String, Vec<u8>) {
        self.key.sign(context, self.backend, self.clock.now())
    }

    /// The connection, outside of any transaction.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
