//! Taking deliveries.
use chrono::TimeDelta;
use keepgate_channels::Leased;
use keepgate_kernel::TenantId;
use keepgate_store::StoreError;

use super::Dispatcher;

/// How long a worker holds a delivery. A call must end well before.
const LEASE: TimeDelta = TimeDelta::seconds(30);

impl Dispatcher {
    /// Leases up to `limit` due deliveries of `tenant`. Bookkeeping: what is done with them are operations.
    #[expect(
        clippy::disallowed_methods,
        reason = "a lease is no operation of anybody, so there is no entry to write"
    )]
    pub(super) async fn lease(&self, tenant: TenantId, limit: u16) -> Result<Vec<Leased>, StoreError> {
        let now = self.gate.clock().now();
        let mut tx = self.gate.store().begin(&self.worker_in(tenant)).await?;
        let leased = tx.lease_due(&self.worker, limit, now, now + LEASE).await?;
        tx.commit().await?;
        Ok(leased)
    }
}
