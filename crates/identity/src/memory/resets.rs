//! Reset codes in memory.
use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_kernel::{PrincipalId, ResetId, TenantId};
use keepgate_store::{MemTx, StoreError};

use super::{
    caller::{Caller, active},
    rows::{ResetRow, ResetRows},
};
use crate::{CodeHash, NewReset, Resets};

fn usable(tx: &MemTx, hash: &CodeHash) -> Result<Option<(TenantId, ResetId, PrincipalId)>, StoreError> {
    let caller = Caller::of(tx);
    let tenant = caller.within(0, 0).ok_or(StoreError::Forbidden)?;
    let found = tx.read::<ResetRows>().and_then(|rows| {
        rows.iter()
            .find(|((home, _), row)| *home == tenant && row.hash == *hash)
            .filter(|(_, row)| !row.used && row.expires_at > caller.at)
    });
    Ok(found.and_then(|((_, id), row)| {
        active(tx, tenant, row.principal.uuid())?;
        Some((tenant, *id, row.principal))
    }))
}

#[async_trait]
impl Resets for MemTx {
    async fn add_reset(&mut self, new: &NewReset) -> Result<(), StoreError> {
        let caller = Caller::of(self);
        let tenant = caller.within(0, 0).ok_or(StoreError::Forbidden)?;
        let older: Vec<ResetId> = self.read::<ResetRows>().map_or_else(Vec::new, |rows| {
            let mine = |((home, _), row): &(&(TenantId, ResetId), &ResetRow)| {
                *home == tenant && row.principal == new.principal
            };
            rows.iter().filter(mine).map(|((_, id), _)| *id).collect()
        });
        for id in older {
            if let Some(row) = self.write::<ResetRows>().get_mut(&(tenant, id)) {
                row.used = true;
            }
        }
        let row = ResetRow {
            principal: new.principal,
            hash: new.hash,
            expires_at: new.expires_at.min(caller.at + TimeDelta::minutes(30)),
            used: false,
        };
        self.write::<ResetRows>().insert_mut((tenant, new.id), row);
        Ok(())
    }

    async fn reset_holder(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError> {
        Ok(usable(self, hash)?.map(|(_, _, principal)| principal))
    }

    async fn use_reset(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError> {
        let Some((tenant, id, principal)) = usable(self, hash)? else {
            return Ok(None);
        };
        if let Some(row) = self.write::<ResetRows>().get_mut(&(tenant, id)) {
            row.used = true;
        }
        Ok(Some(principal))
    }
}
