//! Webhooks of a tenant.
use async_trait::async_trait;
use keepgate_kernel::WebhookId;
use keepgate_store::StoreError;

use crate::types::{Page, Webhook, WebhookUrl};

/// The registered webhooks of a tenant: read at every customer level and by the worker, written from level 4.
#[async_trait]
pub trait Webhooks: Send {
    /// Registers a webhook. `false` when its URL is registered already; nothing is changed then.
    async fn add_webhook(&mut self, webhook: &Webhook) -> Result<bool, StoreError>;

    /// The webhook, `None` if there is none.
    async fn webhook(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError>;

    /// The webhook registered for `url`, `None` if there is none.
    async fn webhook_at(&mut self, url: &WebhookUrl) -> Result<Option<Webhook>, StoreError>;

    /// Webhooks in the order of their ids: those after the cursor, and one more than the page's limit if there are so many.
    async fn webhooks(&mut self, page: &Page<WebhookId>) -> Result<Vec<Webhook>, StoreError>;

    /// Removes it. `false` if there is no such webhook, or it may not be removed.
    async fn remove_webhook(&mut self, id: WebhookId) -> Result<bool, StoreError>;
}
