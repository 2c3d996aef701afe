//! Messages.
use async_trait::async_trait;
use keepgate_kernel::MessageId;
use keepgate_store::{PgTx, StoreError};

use super::{
    json, limit,
    rows::{AttemptRow, SummaryRow},
    tenant,
};
use crate::{
    ports::Messages,
    types::{
        Attempt, Cursor, Message, MessageFilter, MessageSummary, MessageView, Page, Sealed, SealedContent, addressees,
    },
};

const TABLE: &str = "channels.message";

#[async_trait]
impl Messages for PgTx {
    async fn add_message(&mut self, message: &Message) -> Result<(), StoreError> {
        let addressees: Vec<_> = addressees(&message.contacts)
            .into_iter()
            .map(|principal| principal.uuid())
            .collect();
        sqlx::query!(
            "insert into channels.message (tenant_id, id, accepted_at, sender_kind, sender_id, unit_id, recipient_id, contacts,
               addressees, route, payload, text, content_type, priority, require_ack, deadline, locale, replay_of)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            tenant(self),
            message.id.uuid(),
            message.accepted_at,
            message.sender.kind().as_str(),
            message.sender.uuid(),
            message.unit.map(|unit| unit.uuid()),
            message.recipient.map(|recipient| recipient.uuid()),
            json(&message.contacts, TABLE, "contacts")?,
            &addressees,
            json(&message.route, TABLE, "route")?,
            message.payload.as_bytes(),
            message.text.as_ref().map(Sealed::as_bytes),
            message.content_type,
            message.priority.as_str(),
            message.require_ack,
            message.deadline,
            message.locale,
            message.replay_of.map(MessageId::uuid),
        )
        .execute(self.conn())
        .await?;
        sqlx::query!(
            "insert into channels.delivery (tenant_id, message_id, due_at, wake_at) values ($1, $2, $3, $3)",
            tenant(self),
            message.id.uuid(),
            message.accepted_at,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn message(&mut self, id: MessageId) -> Result<Option<MessageView>, StoreError> {
        let row = sqlx::query_as!(
            SummaryRow,
            "select m.id, m.accepted_at, m.sender_kind, m.sender_id, m.unit_id, m.recipient_id, m.contacts, m.route, m.content_type,
               m.priority, m.require_ack, m.deadline, m.locale, m.replay_of, d.status, d.acked_at, d.acked_kind, d.acked_by, d.ack_note, d.ended_at
             from channels.message m join channels.delivery d on d.tenant_id = m.tenant_id and d.message_id = m.id
             where m.tenant_id = $1 and m.id = $2",
            tenant(self),
            id.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let attempts = sqlx::query_as!(
            AttemptRow,
            "select id, message_id, step, target, try, channel, provider, idempotent, state, live, reason, provider_ref, sends,
               lease_token, at, ends_at, settled_at
             from channels.attempt where tenant_id = $1 and message_id = $2 order by step, try",
            tenant(self),
            id.uuid(),
        )
        .fetch_all(self.conn())
        .await?;
        let attempts = attempts.into_iter().map(Attempt::try_from).collect::<Result<_, _>>()?;
        Ok(Some(MessageView {
            message: row.try_into()?,
            attempts,
        }))
    }

    async fn messages(
        &mut self,
        filter: &MessageFilter,
        page: &Page<Cursor>,
    ) -> Result<Vec<MessageSummary>, StoreError> {
        let rows = sqlx::query_as!(
            SummaryRow,
            "select m.id, m.accepted_at, m.sender_kind, m.sender_id, m.unit_id, m.recipient_id, m.contacts, m.route, m.content_type,
               m.priority, m.require_ack, m.deadline, m.locale, m.replay_of, d.status, d.acked_at, d.acked_kind, d.acked_by, d.ack_note, d.ended_at
             from channels.message m join channels.delivery d on d.tenant_id = m.tenant_id and d.message_id = m.id
             where m.tenant_id = $1 and ($2::text is null or d.status = $2) and ($3::uuid is null or m.recipient_id = $3)
               and ($4::timestamptz is null or m.accepted_at >= $4) and ($5::timestamptz is null or m.accepted_at < $5)
               and ($6::timestamptz is null or (m.accepted_at, m.id) < ($6, $7))
             order by m.accepted_at desc, m.id desc limit $8",
            tenant(self),
            filter.status.map(|status| status.as_str()),
            filter.recipient.map(|recipient| recipient.uuid()),
            filter.from,
            filter.to,
            page.after.map(|cursor| cursor.at),
            page.after.map(|cursor| cursor.id),
            limit(page.rows()),
        )
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(MessageSummary::try_from).collect()
    }

    async fn sealed_payload(&mut self, id: MessageId) -> Result<Option<SealedContent>, StoreError> {
        let row = sqlx::query!(
            "select payload, text from channels.message where tenant_id = $1 and id = $2",
            tenant(self),
            id.uuid()
        )
        .fetch_optional(self.conn())
        .await?;
        Ok(row.map(|row| SealedContent {
            payload: Sealed::new(row.payload),
            text: row.text.map(Sealed::new),
        }))
    }
}
