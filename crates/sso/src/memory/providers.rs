//! Identity providers in memory.
use async_trait::async_trait;
use keepgate_kernel::TenantId;
use keepgate_store::{MemTx, StoreError, Transaction};

use super::{ProviderRows, within, worker};
use crate::{Provider, ProviderName, SecretChange, ports::Providers};

fn reader(tx: &MemTx) -> Option<TenantId> {
    within(tx, 4, 5).or_else(|| worker(tx))
}

#[async_trait]
impl Providers for MemTx {
    async fn put_provider(&mut self, provider: &Provider, secret: &SecretChange) -> Result<bool, StoreError> {
        let tenant = within(self, 5, 5).ok_or(StoreError::Forbidden)?;
        if provider.configured_by.uuid() != self.context().principal().id.uuid() {
            return Err(StoreError::Forbidden);
        }
        let at = self.context().at();
        let rows = self.write::<ProviderRows>();
        let twin = |((home, name), (row, _)): (&(TenantId, ProviderName), &(Provider, _))| {
            *home == tenant && *name != provider.name && row.issuer == provider.issuer
        };
        if rows.iter().any(twin) {
            return Ok(false);
        }
        let key = (tenant, provider.name.clone());
        let kept = rows
            .get(&key)
            .filter(|(row, _)| row.issuer == provider.issuer && row.client_id == provider.client_id)
            .and_then(|(_, secret)| secret.clone());
        let secret = match secret {
            SecretChange::Keep => kept,
            SecretChange::Sealed(sealed) => Some(sealed.clone()),
        };
        let row = Provider {
            updated_at: at,
            ..provider.clone()
        };
        rows.insert_mut(key, (row, secret));
        Ok(true)
    }

    async fn provider(&mut self, name: &ProviderName) -> Result<Option<Provider>, StoreError> {
        let found = reader(self)
            .zip(self.read::<ProviderRows>())
            .and_then(|(tenant, rows)| rows.get(&(tenant, name.clone())));
        Ok(found.map(|(row, _)| row.clone()))
    }

    async fn providers(&mut self) -> Result<Vec<Provider>, StoreError> {
        let Some((tenant, rows)) = reader(self).zip(self.read::<ProviderRows>()) else {
            return Ok(Vec::new());
        };
        let mine = rows.iter().filter(|((home, _), _)| *home == tenant);
        Ok(mine.map(|(_, (row, _))| row.clone()).collect())
    }

    async fn delete_provider(&mut self, name: &ProviderName) -> Result<bool, StoreError> {
        let Some(tenant) = within(self, 5, 5) else {
            return Ok(false);
        };
        Ok(self.write::<ProviderRows>().remove_mut(&(tenant, name.clone())))
    }

    async fn provider_secret(&mut self, name: &ProviderName) -> Result<Option<Vec<u8>>, StoreError> {
        let found = worker(self)
            .zip(self.read::<ProviderRows>())
            .and_then(|(tenant, rows)| rows.get(&(tenant, name.clone())));
        Ok(found.and_then(|(_, secret)| secret.clone()))
    }
}
