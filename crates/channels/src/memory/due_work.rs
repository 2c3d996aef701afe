//! Where work is.
use async_trait::async_trait;
use keepgate_kernel::{AttemptId, TenantId, Timestamp};
use keepgate_store::{MemTx, StoreError, Transaction};

use super::{caller, rows};
use crate::ports::DueWork;

/// Memory does not know which tenant is the platform's: every worker of Keepgate's own may ask.
#[async_trait]
impl DueWork for MemTx {
    async fn due_tenants(&mut self, limit: u16) -> Result<Vec<TenantId>, StoreError> {
        let (now, rows) = (self.context().at(), rows(self));
        let due = rows.deliveries.iter().filter(|_| caller(self).level == 0);
        let mut due: Vec<(Timestamp, TenantId)> = due
            .filter_map(|((tenant, _), row)| row.wake.filter(|wake| *wake <= now).map(|wake| (wake, *tenant)))
            .collect();
        due.sort();
        let mut tenants = Vec::new();
        for (_, tenant) in due {
            if !tenants.contains(&tenant) && tenants.len() < usize::from(limit) {
                tenants.push(tenant);
            }
        }
        Ok(tenants)
    }

    async fn next_due(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let rows = rows(self);
        Ok(rows
            .deliveries
            .values()
            .filter(|_| caller(self).level == 0)
            .filter_map(|row| row.wake)
            .min())
    }

    async fn home_of_attempt(&mut self, attempt: AttemptId) -> Result<Option<TenantId>, StoreError> {
        let rows = rows(self);
        let mut homes = rows
            .attempts
            .keys()
            .filter(|(_, id)| *id == attempt && caller(self).level == 0);
        Ok(homes.next().map(|(tenant, _)| *tenant))
    }
}
