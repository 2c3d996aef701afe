//! Data keys in memory.
use async_trait::async_trait;
use keepgate_kernel::TenantId;
use keepgate_policy::Standing;
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync;

use crate::{DataKeys, StoredKey};

type Table = RedBlackTreeMapSync<(TenantId, i32), StoredKey>;

#[derive(Clone, Default)]
struct Keys(Table);

fn worker(tx: &MemTx) -> Option<TenantId> {
    (tx.context().principal().standing == Standing::System).then(|| tx.context().tenant())
}

#[async_trait]
impl DataKeys for MemTx {
    async fn data_keys(&mut self) -> Result<Vec<StoredKey>, StoreError> {
        let Some(tenant) = worker(self) else {
            return Ok(Vec::new());
        };
        let Some(Keys(table)) = self.read::<Keys>() else {
            return Ok(Vec::new());
        };
        let mut keys: Vec<_> = table
            .range((tenant, i32::MIN)..=(tenant, i32::MAX))
            .map(|(_, key)| key.clone())
            .collect();
        keys.reverse();
        Ok(keys)
    }

    async fn add_data_key(&mut self, key: &StoredKey) -> Result<bool, StoreError> {
        let tenant = worker(self).ok_or(StoreError::Forbidden)?;
        let at = (tenant, key.version);
        if self.read::<Keys>().is_some_and(|Keys(table)| table.contains_key(&at)) {
            return Ok(false);
        }
        self.write::<Keys>().0.insert_mut(at, key.clone());
        Ok(true)
    }
}
