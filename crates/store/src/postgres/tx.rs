//! A transaction in PostgreSQL.
use async_trait::async_trait;
use keepgate_policy::OpContext;
use sqlx::{PgConnection, Postgres};

use crate::{StoreError, Transaction};

/// A transaction that has passed `gate.enter`. Domain crates implement their ports on it.
#[derive(Debug)]
pub struct PgTx {
    tx: sqlx::Transaction<'static, Postgres>,
    context: OpContext,
}

impl PgTx {
    pub(super) const fn new(tx: sqlx::Transaction<'static, Postgres>, context: OpContext) -> Self {
        Self { tx, context }
    }

    /// The connection, for the adapters that implement a port on this transaction.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

#[async_trait]
impl Transaction for PgTx {
    fn context(&self) -> &OpContext {
        &self.context
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Ok(self.tx.commit().await?)
    }
}
