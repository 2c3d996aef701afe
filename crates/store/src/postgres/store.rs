//! Opening transactions.
use std::sync::Arc;

use async_trait::async_trait;
use keepgate_kernel::Clock;
use keepgate_policy::OpContext;
use sqlx::PgPool;

use super::{
    ClaimKey, PgTx,
    connect::{acquire, begin},
};
use crate::{Begin, StoreError};

/// A store in PostgreSQL: a pool of connections logged in as one role, and the key that signs claims. Clones share both.
#[derive(Debug, Clone)]
pub struct PgStore {
    pub(super) pool: PgPool,
    pub(super) key: Arc<ClaimKey>,
    pub(super) clock: Arc<dyn Clock>,
}

impl PgStore {
    /// A store over `pool`, whose connections are logged in as `kg_app`, or as `kg_auth` for what happens before anybody is known.
    #[must_use]
    pub fn new(pool: PgPool, key: ClaimKey, clock: Arc<dyn Clock>) -> Self {
        Self {
            pool,
            key: Arc::new(key),
            clock,
        }
    }

    /// Opens a transaction and enters it as `context`: the database verifies the signed claims, re-reads the live
    /// credential, level and tenant, and seals the result for this transaction.
    ///
    /// # Errors
    /// [`StoreError::Revoked`] when the live state contradicts the context, [`StoreError::Unavailable`] when there is no
    /// connection within the pool's time limit.
    pub async fn begin(&self, context: &OpContext) -> Result<PgTx, StoreError> {
        let mut tx = begin(&self.pool).await?;
        let backend = sqlx::query_scalar!(r#"select pg_backend_pid() as "pid!""#)
            .fetch_one(&mut *tx)
            .await?;
        let (claims, signature) = self.key.sign(context, backend, self.clock.now());
        sqlx::query!("select gate.enter($1, $2)", claims, signature)
            .fetch_one(&mut *tx)
            .await?;
        Ok(PgTx::new(tx, context.clone()))
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query_scalar!(r#"select 1 as "one!""#)
            .fetch_one(&mut *acquire(&self.pool).await?)
            .await?;
        Ok(())
    }

    /// Closes the pool once the transactions in flight have ended.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

#[async_trait]
impl Begin<PgTx> for PgStore {
    async fn begin(&self, context: &OpContext) -> Result<Box<PgTx>, StoreError> {
        Ok(Box::new(Self::begin(self, context).await?))
    }
}
