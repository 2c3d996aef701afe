//! What every transaction of a contract case can do.
use async_trait::async_trait;
use keepgate_kernel::AuditId;

use crate::{MemTx, PgTx, StoreError, Transaction};

/// A transaction that can be given an audit entry, so that a domain crate's cases can commit without the audit crate.
#[async_trait]
pub trait TestTx: Transaction {
    /// Appends a plain entry for the context's actor.
    async fn mark(&mut self) -> Result<(), StoreError>;
}

#[async_trait]
impl TestTx for MemTx {
    async fn mark(&mut self) -> Result<(), StoreError> {
        self.mark_audited();
        Ok(())
    }
}

#[async_trait]
impl TestTx for PgTx {
    async fn mark(&mut self) -> Result<(), StoreError> {
        let id = AuditId::new(self.context().at()).uuid();
        let request = self.context().request().uuid();
        sqlx::query("select gate.append_entry($1, 'test.mark', 'test', 'done', null, $2, null, null, null)")
            .bind(id)
            .bind(request)
            .execute(self.conn())
            .await?;
        Ok(())
    }
}
