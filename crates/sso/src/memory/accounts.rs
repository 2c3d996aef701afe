//! Accounts of directories, in memory.
use async_trait::async_trait;
use keepgate_kernel::PrincipalId;
use keepgate_store::{MemTx, StoreError, Transaction};

use super::{AccountRows, worker};
use crate::{Account, Issuer, NewAccount, ports::Accounts};

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
}
