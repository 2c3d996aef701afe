//! Where a credential lives, in memory.
use async_trait::async_trait;
use keepgate_kernel::{KeyId, TenantId, Timestamp};
use keepgate_policy::Plane;
use keepgate_store::{MemTx, StoreError};

use super::{
    caller::{Caller, active_tenant},
    rows::{EnrolmentRows, KeyRow, KeyRows, PrincipalRows, ResetRows},
};
use crate::{CodeHash, Email, Handle, Homes, Lookup};

/// A worker may ask; only the platform's own is answered.
pub(super) fn is_platform_worker(tx: &MemTx) -> Result<bool, StoreError> {
    let tenant = Caller::of(tx).within(0, 0).ok_or(StoreError::Forbidden)?;
    Ok(active_tenant(tx, tenant).is_some_and(|tenant| tenant.plane == Plane::Platform))
}

#[async_trait]
impl Homes for MemTx {
    async fn homes_of_email(&mut self, email: &Email) -> Result<Vec<TenantId>, StoreError> {
        let answered = is_platform_worker(self)?;
        let Some(rows) = self.read::<PrincipalRows>().filter(|_| answered) else {
            return Ok(Vec::new());
        };
        let named = rows.iter().filter(|(_, row)| row.email.as_ref() == Some(email));
        let mut homes: Vec<(Timestamp, TenantId)> = named.map(|((tenant, _), row)| (row.created_at, *tenant)).collect();
        homes.sort();
        Ok(homes.into_iter().map(|(_, tenant)| tenant).take(20).collect())
    }

    async fn home_of_key(&mut self, id: KeyId) -> Result<Option<TenantId>, StoreError> {
        let answered = is_platform_worker(self)?;
        let rows = self.read::<KeyRows>().filter(|_| answered);
        Ok(rows
            .and_then(|rows| rows.keys().find(|(_, key)| *key == id))
            .map(|(tenant, _)| *tenant))
    }

    async fn home_of_handle(&mut self, handle: Handle) -> Result<Option<(TenantId, KeyId)>, StoreError> {
        let answered = is_platform_worker(self)?;
        let rows = self.read::<KeyRows>().filter(|_| answered);
        let mut found = rows.into_iter().flat_map(KeyRows::iter);
        Ok(found.find(|(_, row)| row.handle == Some(handle)).map(|(home, _)| *home))
    }

    async fn home_of_imported(&mut self, lookups: &[Lookup]) -> Result<Option<(TenantId, KeyId)>, StoreError> {
        let answered = is_platform_worker(self)?;
        let rows = self.read::<KeyRows>().filter(|_| answered);
        let mut found = rows.into_iter().flat_map(KeyRows::iter);
        let finds = |row: &KeyRow| {
            row.imported
                .as_ref()
                .is_some_and(|imported| lookups.contains(&imported.lookup))
        };
        Ok(found.find(|(_, row)| finds(row)).map(|(home, _)| *home))
    }

    async fn home_of_reset(&mut self, hash: &CodeHash) -> Result<Option<TenantId>, StoreError> {
        let answered = is_platform_worker(self)?;
        let rows = self.read::<ResetRows>().filter(|_| answered);
        Ok(rows
            .and_then(|rows| rows.iter().find(|(_, row)| row.hash == *hash))
            .map(|((tenant, _), _)| *tenant))
    }

    async fn home_of_enrolment(&mut self, hash: &CodeHash) -> Result<Option<TenantId>, StoreError> {
        let answered = is_platform_worker(self)?;
        let rows = self.read::<EnrolmentRows>().filter(|_| answered);
        Ok(rows
            .and_then(|rows| rows.iter().find(|(_, row)| row.hash == *hash))
            .map(|((tenant, _), _)| *tenant))
    }
}
