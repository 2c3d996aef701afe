//! What a tenant demands, in memory.
use async_trait::async_trait;
use keepgate_store::{MemTx, StoreError};

use super::{caller::Caller, rows::MfaLevelRows};
use crate::{MfaLevel, TenantPolicies};

#[async_trait]
impl TenantPolicies for MemTx {
    async fn mfa_level(&mut self) -> Result<MfaLevel, StoreError> {
        let caller = Caller::of(self);
        let readable = caller.is_worker() || caller.is_at_least(4);
        let rows = self.read::<MfaLevelRows>().filter(|_| readable);
        Ok(rows
            .and_then(|rows| rows.get(&caller.tenant))
            .copied()
            .unwrap_or_default())
    }

    async fn set_mfa_level(&mut self, level: MfaLevel) -> Result<(), StoreError> {
        let caller = Caller::of(self);
        let tenant = caller
            .within(5, 5)
            .or_else(|| caller.within(7, 7))
            .ok_or(StoreError::Forbidden)?;
        Caller::demand_fresh(self)?;
        self.write::<MfaLevelRows>().insert_mut(tenant, level);
        Ok(())
    }
}
