//! Telling a tenant through `gate.tell_tenant`.
use async_trait::async_trait;
use keepgate_kernel::TenantId;
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{NewEntry, TenantLogs};

#[async_trait]
impl TenantLogs for PgTx {
    async fn tell_tenant(&mut self, tenant: TenantId, entry: &NewEntry) -> Result<(), StoreError> {
        entry.check(None)?;
        let request = self.context().request().uuid();
        sqlx::query!(
            "select gate.tell_tenant($1, $2, $3, $4)",
            tenant.uuid(),
            entry.id.uuid(),
            entry.entity.as_str(),
            request,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }
}
