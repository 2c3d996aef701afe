//! Log-ins under way, in memory.
use async_trait::async_trait;
use keepgate_store::{MemTx, StoreError, Transaction};

use super::{LoginRows, worker};
use crate::{PendingLogin, ports::Logins};

#[async_trait]
impl Logins for MemTx {
    async fn open_login(&mut self, login: &PendingLogin) -> Result<(), StoreError> {
        let tenant = worker(self).ok_or(StoreError::Forbidden)?;
        let at = self.context().at();
        let rows = self.write_unaudited::<LoginRows>();
        let over: Vec<_> = rows
            .iter()
            .filter(|((home, _), row)| *home == tenant && row.expires_at <= at)
            .map(|(key, _)| *key)
            .collect();
        for key in &over {
            rows.remove_mut(key);
        }
        rows.insert_mut((tenant, login.state), login.clone());
        Ok(())
    }

    async fn use_login(&mut self, state: &[u8; 32], binding: &[u8; 32]) -> Result<Option<PendingLogin>, StoreError> {
        let tenant = worker(self).ok_or(StoreError::Forbidden)?;
        let at = self.context().at();
        let found = self
            .read::<LoginRows>()
            .and_then(|rows| rows.get(&(tenant, *state)))
            .filter(|row| row.binding == *binding && row.expires_at > at)
            .cloned();
        if found.is_some() {
            self.write_unaudited::<LoginRows>().remove_mut(&(tenant, *state));
        }
        Ok(found)
    }
}
