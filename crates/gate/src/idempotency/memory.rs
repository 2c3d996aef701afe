//! Idempotency keys in memory.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, TenantId};
use keepgate_policy::Standing;
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::HashTrieMapSync;

use super::{IdempotencyKeys, StoredAnswer};

type Caller = (TenantId, PrincipalId);

#[derive(Clone, Default)]
struct Answers(HashTrieMapSync<(Caller, [u8; 32]), StoredAnswer>);

fn caller(tx: &MemTx) -> Option<Caller> {
    let principal = tx.context().principal();
    (principal.standing != Standing::System).then_some((principal.tenant, principal.id))
}

#[async_trait]
impl IdempotencyKeys for MemTx {
    async fn answer(&mut self, key: &[u8; 32]) -> Result<Option<StoredAnswer>, StoreError> {
        let Some(caller) = caller(self) else { return Ok(None) };
        Ok(self
            .read::<Answers>()
            .and_then(|Answers(table)| table.get(&(caller, *key)).cloned()))
    }

    async fn keep_answer(&mut self, key: &[u8; 32], answer: &StoredAnswer) -> Result<(), StoreError> {
        let caller = caller(self).ok_or(StoreError::Forbidden)?;
        if self.answer(key).await?.is_some() {
            return Err(StoreError::Conflict);
        }
        self.write_unaudited::<Answers>()
            .0
            .insert_mut((caller, *key), answer.clone());
        Ok(())
    }
}
