//! Accounts of directories, in memory.
use async_trait::async_trait;
use keepgate_kernel::PrincipalId;
use keepgate_store::{MemTx, StoreError, Transaction};

use super::{AccountRows, directory_groups::GroupRows, within, worker};
use crate::{
    Account, Issuer, NewAccount,
    ports::Accounts,
    scim::{Filter, FilterOn},
};

/// Whether two accounts of one issuer can't stand side by side.
fn clash(one: &NewAccount, other: &NewAccount) -> bool {
    let same = |one: &Option<String>, other: &Option<String>| one.is_some() && one == other;
    one.issuer == other.issuer
        && (same(&one.subject, &other.subject)
            || same(&one.external_id, &other.external_id)
            || one.user_name.to_lowercase() == other.user_name.to_lowercase())
}

#[async_trait]
impl Accounts for MemTx {
    async fn add_account(&mut self, new: &NewAccount) -> Result<bool, StoreError> {
        let tenant = worker(self).ok_or(StoreError::Forbidden)?;
        let at = self.context().at();
        let rows = self.write::<AccountRows>();
        if rows
            .iter()
            .any(|((home, id), row)| *home == tenant && (*id == new.principal || clash(&row.of, new)))
        {
            return Ok(false);
        }
        let row = Account {
            of: new.clone(),
            updated_at: at,
        };
        rows.insert_mut((tenant, new.principal), row);
        Ok(true)
    }

    async fn account_of_subject(&mut self, issuer: &Issuer, subject: &str) -> Result<Option<Account>, StoreError> {
        let Some((tenant, rows)) = worker(self).zip(self.read::<AccountRows>()) else {
            return Ok(None);
        };
        let mut mine = rows.iter().filter(|((home, _), _)| *home == tenant);
        let found = mine.find(|(_, row)| row.of.issuer == *issuer && row.of.subject.as_deref() == Some(subject));
        Ok(found.map(|(_, row)| row.clone()))
    }

    async fn account(&mut self, issuer: &Issuer, principal: PrincipalId) -> Result<Option<Account>, StoreError> {
        let found = worker(self)
            .zip(self.read::<AccountRows>())
            .and_then(|(tenant, rows)| rows.get(&(tenant, principal)));
        Ok(found.filter(|row| row.of.issuer == *issuer).cloned())
    }

    async fn change_account(&mut self, new: &NewAccount) -> Result<bool, StoreError> {
        let tenant = worker(self).ok_or(StoreError::Forbidden)?;
        let at = self.context().at();
        if self.account(&new.issuer, new.principal).await?.is_none() {
            return Ok(false);
        }
        let rows = self.write::<AccountRows>();
        if rows
            .iter()
            .any(|((home, id), row)| *home == tenant && *id != new.principal && clash(&row.of, new))
        {
            return Ok(false);
        }
        let row = Account {
            of: new.clone(),
            updated_at: at,
        };
        rows.insert_mut((tenant, new.principal), row);
        Ok(true)
    }

    async fn remove_account(&mut self, issuer: &Issuer, principal: PrincipalId) -> Result<bool, StoreError> {
        let tenant = worker(self).ok_or(StoreError::Forbidden)?;
        if self.account(issuer, principal).await?.is_none() {
            return Ok(false);
        }
        let groups: Vec<_> = self.read::<GroupRows>().map_or_else(Vec::new, |rows| {
            let mine = rows.iter().filter(|((home, _), _)| *home == tenant);
            mine.map(|(key, _)| *key).collect()
        });
        for key in groups {
            if let Some(group) = self.write::<GroupRows>().get_mut(&key) {
                group.draft.members.remove(&principal);
            }
        }
        Ok(self.write::<AccountRows>().remove_mut(&(tenant, principal)))
    }

    async fn people_of(&mut self, issuer: &Issuer) -> Result<Vec<PrincipalId>, StoreError> {
        let Some((tenant, rows)) = within(self, 5, 5).zip(self.read::<AccountRows>()) else {
            return Ok(Vec::new());
        };
        let mine = rows
            .iter()
            .filter(|((home, _), row)| *home == tenant && row.of.issuer == *issuer);
        Ok(mine.map(|((_, id), _)| *id).collect())
    }

    async fn accounts(
        &mut self,
        issuer: &Issuer,
        filter: Option<&Filter>,
        skip: u32,
        limit: u32,
    ) -> Result<(u64, Vec<Account>), StoreError> {
        let Some((tenant, rows)) = worker(self).zip(self.read::<AccountRows>()) else {
            return Ok((0, Vec::new()));
        };
        let mine = rows.iter().filter(|((home, _), row)| {
            *home == tenant && row.of.issuer == *issuer && filter.is_none_or(|filter| selects(filter, &row.of))
        });
        let mut all: Vec<Account> = mine.map(|(_, row)| row.clone()).collect();
        all.sort_by_key(|row| row.of.principal.uuid());
        let page = all.iter().skip(skip as usize).take(limit as usize).cloned().collect();
        Ok((all.len() as u64, page))
    }
}

fn selects(filter: &Filter, account: &NewAccount) -> bool {
    match filter.on {
        FilterOn::Id => account.principal.to_string() == filter.value,
        FilterOn::ExternalId => account.external_id.as_ref() == Some(&filter.value),
        FilterOn::UserName => account.user_name.to_lowercase() == filter.value.to_lowercase(),
        FilterOn::DisplayName => false,
    }
}
