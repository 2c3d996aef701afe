//! Webhooks.
use async_trait::async_trait;
use keepgate_kernel::{Timestamp, Uuid, WebhookId};
use keepgate_store::{PgTx, StoreError};

use super::{limit, tenant};
use crate::{
    ports::Webhooks,
    types::{Page, Sealed, Webhook, WebhookEvent, WebhookUrl},
};

const TABLE: &str = "channels.webhook";

struct Row {
    id: Uuid,
    url: String,
    events: Vec<String>,
    secret: Vec<u8>,
    created_at: Timestamp,
}

impl TryFrom<Row> for Webhook {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let events = row
            .events
            .iter()
            .map(|word| WebhookEvent::parse(word).ok_or_else(|| StoreError::corrupt(TABLE, "events")));
        Ok(Self {
            id: WebhookId::from_uuid(row.id),
            url: WebhookUrl::parse(&row.url).map_err(|_| StoreError::corrupt(TABLE, "url"))?,
            events: events.collect::<Result<_, _>>()?,
            secret: Sealed::new(row.secret),
            created_at: row.created_at,
        })
    }
}

#[async_trait]
impl Webhooks for PgTx {
    async fn add_webhook(&mut self, webhook: &Webhook) -> Result<bool, StoreError> {
        let events: Vec<String> = webhook.events.iter().map(ToString::to_string).collect();
        let done = sqlx::query!(
            "insert into channels.webhook (tenant_id, id, url, events, secret, created_at) values ($1, $2, $3, $4, $5, $6)
             on conflict (tenant_id, url) do nothing",
            tenant(self),
            webhook.id.uuid(),
            webhook.url.as_str(),
            &events,
            webhook.secret.as_bytes(),
            webhook.created_at,
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn webhook(&mut self, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        let row = sqlx::query_as!(
            Row,
            "select id, url, events, secret, created_at from channels.webhook where tenant_id = $1 and id = $2",
            tenant(self),
            id.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        row.map(Webhook::try_from).transpose()
    }

    async fn webhook_at(&mut self, url: &WebhookUrl) -> Result<Option<Webhook>, StoreError> {
        let row = sqlx::query_as!(
            Row,
            "select id, url, events, secret, created_at from channels.webhook where tenant_id = $1 and url = $2",
            tenant(self),
            url.as_str(),
        )
        .fetch_optional(self.conn())
        .await?;
        row.map(Webhook::try_from).transpose()
    }

    async fn webhooks(&mut self, page: &Page<WebhookId>) -> Result<Vec<Webhook>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            "select id, url, events, secret, created_at from channels.webhook
             where tenant_id = $1 and ($2::uuid is null or id > $2) order by id limit $3",
            tenant(self),
            page.after.map(WebhookId::uuid),
            limit(page.rows()),
        )
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(Webhook::try_from).collect()
    }

    async fn remove_webhook(&mut self, id: WebhookId) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "delete from channels.webhook where tenant_id = $1 and id = $2",
            tenant(self),
            id.uuid()
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
