//! Recipients.
use async_trait::async_trait;
use keepgate_kernel::{RecipientId, Timestamp, Uuid};
use keepgate_store::{PgTx, StoreError};
use serde_json::Value;

use super::{json, limit, parsed, tenant};
use crate::{
    ports::Recipients,
    types::{Page, Recipient},
};

const TABLE: &str = "channels.recipient";

struct Row {
    id: Uuid,
    name: String,
    contacts: Value,
    quiet_hours: Option<Value>,
    locale: Option<String>,
    created_at: Timestamp,
}

impl TryFrom<Row> for Recipient {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: RecipientId::from_uuid(row.id),
            name: row.name,
            contacts: parsed(row.contacts, TABLE, "contacts")?,
            quiet_hours: row
                .quiet_hours
                .map(|value| parsed(value, TABLE, "quiet_hours"))
                .transpose()?,
            locale: row.locale,
            created_at: row.created_at,
        })
    }
}

#[async_trait]
impl Recipients for PgTx {
    async fn add_recipient(&mut self, recipient: &Recipient) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into channels.recipient (tenant_id, id, name, contacts, quiet_hours, locale, created_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
            tenant(self),
            recipient.id.uuid(),
            recipient.name,
            json(&recipient.contacts, TABLE, "contacts")?,
            recipient
                .quiet_hours
                .as_ref()
                .map(|hours| json(hours, TABLE, "quiet_hours"))
                .transpose()?,
            recipient.locale,
            recipient.created_at,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn recipient(&mut self, id: RecipientId) -> Result<Option<Recipient>, StoreError> {
        let row = sqlx::query_as!(
            Row,
            "select id, name, contacts, quiet_hours, locale, created_at from channels.recipient where tenant_id = $1 and id = $2",
            tenant(self),
            id.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        row.map(Recipient::try_from).transpose()
    }

    async fn recipients(&mut self, page: &Page<RecipientId>) -> Result<Vec<Recipient>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            "select id, name, contacts, quiet_hours, locale, created_at from channels.recipient
             where tenant_id = $1 and ($2::uuid is null or id > $2) order by id limit $3",
            tenant(self),
            page.after.map(RecipientId::uuid),
            limit(page.rows()),
        )
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(Recipient::try_from).collect()
    }

    async fn change_recipient(&mut self, recipient: &Recipient) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "update channels.recipient set name = $3, contacts = $4, quiet_hours = $5, locale = $6 where tenant_id = $1 and id = $2",
            tenant(self),
            recipient.id.uuid(),
            recipient.name,
            json(&recipient.contacts, TABLE, "contacts")?,
            recipient.quiet_hours.as_ref().map(|hours| json(hours, TABLE, "quiet_hours")).transpose()?,
            recipient.locale,
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn remove_recipient(&mut self, id: RecipientId) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "delete from channels.recipient where tenant_id = $1 and id = $2",
            tenant(self),
            id.uuid()
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
