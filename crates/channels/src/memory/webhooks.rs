//! Webhooks.
use async_trait::async_trait;
use keepgate_kernel::WebhookId;
use keepgate_store::{MemTx, StoreError};

use super::{Rows, caller, rows};
use crate::{
    ports::Webhooks,
    types::{Page, Webhook, WebhookUrl},
};

#[async_trait]
impl Webhooks for MemTx {
    async fn add_webhook(&mut self, webhook: &Webhook) -> Result<bool, StoreError> {
        let caller = caller(self);
        if !caller.within(4, 5) {
            return Err(StoreError::Forbidden);
        }
        if self.webhook_at(&webhook.url).await?.is_some() {
            return Ok(false);
        }
        self.write::<Rows>()
            .webhooks
            .insert_mut((caller.tenant, webhook.id), webhook.clone());
        Ok(true)
    }

    async fn webhook(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        let caller = caller(self);
        Ok(rows(self)
            .webhooks
            .get(&(caller.tenant, id))
            .filter(|_| caller.within(0, 5))
            .cloned())
    }

    async fn webhook_at(&mut self, url: &WebhookUrl) -> Result<Option<Webhook>, StoreError> {
        let caller = caller(self);
        let all = rows(self).webhooks;
        let mut mine = all
            .iter()
            .filter(|((tenant, _), webhook)| *tenant == caller.tenant && webhook.url == *url);
        Ok(mine.find(|_| caller.within(0, 5)).map(|(_, webhook)| webhook.clone()))
    }

    async fn webhooks(&mut self, page: &Page<WebhookId>) -> Result<Vec<Webhook>, StoreError> {
        let caller = caller(self);
        let all = rows(self).webhooks;
        let mine = all
            .iter()
            .filter(|((tenant, id), _)| *tenant == caller.tenant && page.after.is_none_or(|after| *id > after));
        Ok(mine
            .filter(|_| caller.within(0, 5))
            .map(|(_, webhook)| webhook.clone())
            .take(page.rows())
            .collect())
    }

    async fn remove_webhook(&mut self, id: WebhookId) -> Result<bool, StoreError> {
        let caller = caller(self);
        Ok(caller.within(4, 5) && self.write::<Rows>().webhooks.remove_mut(&(caller.tenant, id)))
    }
}
