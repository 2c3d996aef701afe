//! Recipients.
use async_trait::async_trait;
use keepgate_kernel::RecipientId;
use keepgate_store::{MemTx, StoreError};

use super::{Rows, caller, rows};
use crate::{
    ports::Recipients,
    types::{Page, Recipient},
};

#[async_trait]
impl Recipients for MemTx {
    async fn add_recipient(&mut self, recipient: &Recipient) -> Result<(), StoreError> {
        let caller = caller(self);
        if !caller.within(2, 5) {
            return Err(StoreError::Forbidden);
        }
        let key = (caller.tenant, recipient.id);
        let table = &mut self.write::<Rows>().recipients;
        if table.contains_key(&key) {
            return Err(StoreError::Conflict);
        }
        table.insert_mut(key, recipient.clone());
        Ok(())
    }

    async fn recipient(&mut self, id: RecipientId) -> Result<Option<Recipient>, StoreError> {
        let caller = caller(self);
        Ok(rows(self)
            .recipients
            .get(&(caller.tenant, id))
            .filter(|_| caller.within(1, 5))
            .cloned())
    }

    async fn recipients(&mut self, page: &Page<RecipientId>) -> Result<Vec<Recipient>, StoreError> {
        let caller = caller(self);
        let all = rows(self).recipients;
        let mine = all
            .iter()
            .filter(|((tenant, id), _)| *tenant == caller.tenant && page.after.is_none_or(|after| *id > after));
        Ok(mine
            .filter(|_| caller.within(1, 5))
            .map(|(_, recipient)| recipient.clone())
            .take(page.rows())
            .collect())
    }

    async fn change_recipient(&mut self, recipient: &Recipient) -> Result<bool, StoreError> {
        let caller = caller(self);
        let key = (caller.tenant, recipient.id);
        let Some(old) = rows(self).recipients.get(&key).filter(|_| caller.within(2, 5)).cloned() else {
            return Ok(false);
        };
        let new = Recipient {
            created_at: old.created_at,
            ..recipient.clone()
        };
        self.write::<Rows>().recipients.insert_mut(key, new);
        Ok(true)
    }

    async fn remove_recipient(&mut self, id: RecipientId) -> Result<bool, StoreError> {
        let caller = caller(self);
        Ok(caller.within(2, 5) && self.write::<Rows>().recipients.remove_mut(&(caller.tenant, id)))
    }
}
