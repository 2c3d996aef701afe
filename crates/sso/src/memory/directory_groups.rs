//! Groups of directories in memory.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, TenantId, Uuid};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync;

use super::{AccountRows, worker};
use crate::{Issuer, ports::DirectoryGroups, scim::DirectoryGroup};

/// Groups by tenant and id.
pub(super) type GroupRows = RedBlackTreeMapSync<(TenantId, Uuid), DirectoryGroup>;

#[async_trait]
impl DirectoryGroups for MemTx {
    async fn put_group(&mut self, group: &DirectoryGroup) -> Result<bool, StoreError> {
        let tenant = worker(self).ok_or(StoreError::Forbidden)?;
        let known = |id: &PrincipalId| {
            let account = self.read::<AccountRows>().and_then(|rows| rows.get(&(tenant, *id)));
            account.is_some_and(|account| account.of.issuer == group.issuer)
        };
        if !group.draft.members.iter().all(known) {
            return Err(StoreError::Forbidden);
        }
        let at = self.context().at();
        let rows = self.write::<GroupRows>();
        let twin = |((home, id), row): (&(TenantId, Uuid), &DirectoryGroup)| {
            let same = row.issuer == group.issuer && row.draft.display_name == group.draft.display_name;
            *home == tenant && *id != group.id && same
        };
        if rows.iter().any(twin) {
            return Ok(false);
        }
        let created_at = rows.get(&(tenant, group.id)).map_or(at, |row| row.created_at);
        let row = DirectoryGroup {
            created_at,
            updated_at: at,
            ..group.clone()
        };
        rows.insert_mut((tenant, group.id), row);
        Ok(true)
    }

    async fn group(&mut self, issuer: &Issuer, id: Uuid) -> Result<Option<DirectoryGroup>, StoreError> {
        let found = worker(self)
            .zip(self.read::<GroupRows>())
            .and_then(|(tenant, rows)| rows.get(&(tenant, id)));
        Ok(found.filter(|group| group.issuer == *issuer).cloned())
    }

    async fn groups(&mut self, issuer: &Issuer) -> Result<Vec<DirectoryGroup>, StoreError> {
        let Some((tenant, rows)) = worker(self).zip(self.read::<GroupRows>()) else {
            return Ok(Vec::new());
        };
        let mine = rows
            .iter()
            .filter(|((home, _), row)| *home == tenant && row.issuer == *issuer);
        Ok(mine.map(|(_, row)| row.clone()).collect())
    }

    async fn delete_group(&mut self, issuer: &Issuer, id: Uuid) -> Result<bool, StoreError> {
        let tenant = worker(self).ok_or(StoreError::Forbidden)?;
        let known = self.group(issuer, id).await?.is_some();
        Ok(known && self.write::<GroupRows>().remove_mut(&(tenant, id)))
    }

    async fn groups_of(&mut self, principal: PrincipalId) -> Result<Vec<(Uuid, String)>, StoreError> {
        let Some((tenant, rows)) = worker(self).zip(self.read::<GroupRows>()) else {
            return Ok(Vec::new());
        };
        let mine = rows
            .iter()
            .filter(|((home, _), row)| *home == tenant && row.draft.members.contains(&principal));
        let mut named: Vec<_> = mine.map(|(_, row)| (row.id, row.draft.display_name.clone())).collect();
        named.sort_by(|one, other| one.1.cmp(&other.1));
        Ok(named)
    }
}
