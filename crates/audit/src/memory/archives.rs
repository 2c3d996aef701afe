//! Archives in memory: noted, never followed by a removal.
use async_trait::async_trait;
use keepgate_kernel::Level;
use keepgate_store::{MemTx, StoreError, Transaction};

use super::table::Audit;
use crate::archive::{Archive, Archives};

#[async_trait]
impl Archives for MemTx {
    async fn record_archive(&mut self, archive: &Archive) -> Result<(), StoreError> {
        let (tenant, worker) = {
            let context = self.context();
            (context.tenant(), context.principal().level().is_none())
        };
        let audit = self.write::<Audit>();
        let mut known = audit.archives.get(&tenant).cloned().unwrap_or_default();
        if !worker || archive.from != known.last().map_or(0, |last| last.to) {
            return Err(StoreError::Forbidden);
        }
        known.push_back_mut(archive.clone());
        audit.archives.insert_mut(tenant, known);
        Ok(())
    }

    async fn archives(&mut self) -> Result<Vec<Archive>, StoreError> {
        let caller = self.context().principal();
        let tenant = caller.tenant;
        let sees = matches!(
            caller.level(),
            Some(Level::TenantAdmin | Level::TenantOwner | Level::GlobalAdmin)
        );
        let known = self.read::<Audit>().and_then(|audit| audit.archives.get(&tenant));
        Ok(known
            .filter(|_| sees)
            .map(|known| known.iter().cloned().collect())
            .unwrap_or_default())
    }

    async fn min_index(&mut self) -> Result<u64, StoreError> {
        Ok(0)
    }
}
