//! Listing webhooks.
use keepgate_kernel::{Entity, WebhookId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{
    ports::Webhooks,
    types::{Listed, Page, Webhook},
};

/// Lists the webhooks of the tenant, oldest first; their secrets stay sealed.
#[derive(Debug)]
pub struct ListWebhooks {
    /// Which part of the list.
    pub page: Page<WebhookId>,
}

impl<Tx: Webhooks + ?Sized> Command<Tx> for ListWebhooks {
    type Permission = permissions::WebhookList;
    type Output = Listed<Webhook, WebhookId>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("webhooks")
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Self::Output, StoreError> {
        Ok(Listed::cut(tx.webhooks(&self.page).await?, &self.page, |webhook| {
            webhook.id
        }))
    }
}
