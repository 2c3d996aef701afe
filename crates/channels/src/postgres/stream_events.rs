//! Streams.
use async_trait::async_trait;
use keepgate_kernel::{AttemptId, MessageId, PrincipalId, Timestamp};
use keepgate_store::{PgTx, StoreError};

use super::tenant;
use crate::{
    ports::StreamEvents,
    types::{Priority, Sealed, StreamEvent},
};

#[async_trait]
impl StreamEvents for PgTx {
    async fn append_event(
        &mut self,
        principal: PrincipalId,
        message: MessageId,
        attempt: AttemptId,
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        // The counter's row stays locked until the commit, so numbers become visible in their order.
        let seq = sqlx::query_scalar!(
            "insert into channels.stream as s (tenant_id, principal_id, last_seq) values ($1, $2, 1)
             on conflict (tenant_id, principal_id) do update set last_seq = s.last_seq + 1 returning last_seq",
            tenant(self),
            principal.uuid(),
        )
        .fetch_one(self.conn())
        .await?;
        sqlx::query!(
            "insert into channels.stream_event (tenant_id, principal_id, seq, message_id, attempt_id, at) values ($1, $2, $3, $4, $5, $6)",
            tenant(self),
            principal.uuid(),
            seq,
            message.uuid(),
            attempt.uuid(),
            at,
        )
        .execute(self.conn())
        .await?;
        Ok(seq)
    }

    async fn events_after(
        &mut self,
        principal: PrincipalId,
        after: i64,
        limit: u16,
    ) -> Result<Vec<StreamEvent>, StoreError> {
        let rows = sqlx::query!(
            "select e.seq, e.message_id, e.attempt_id, e.at, m.payload, m.text, m.content_type, m.priority, m.require_ack, m.accepted_at
             from channels.stream_event e join channels.message m on m.tenant_id = e.tenant_id and m.id = e.message_id
             where e.tenant_id = $1 and e.principal_id = $2 and e.seq > $3 order by e.seq limit $4",
            tenant(self),
            principal.uuid(),
            after,
            i64::from(limit),
        )
        .fetch_all(self.conn())
        .await?;
        let events = rows.into_iter().map(|row| {
            Ok(StreamEvent {
                seq: row.seq,
                message: MessageId::from_uuid(row.message_id),
                attempt: AttemptId::from_uuid(row.attempt_id),
                at: row.at,
                payload: Sealed::new(row.payload),
                text: row.text.map(Sealed::new),
                content_type: row.content_type,
                priority: Priority::parse(&row.priority)
                    .ok_or_else(|| StoreError::corrupt("channels.message", "priority"))?,
                require_ack: row.require_ack,
                accepted_at: row.accepted_at,
            })
        });
        events.collect()
    }

    async fn note_handed(&mut self, principal: PrincipalId, seq: i64, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query!(
            "update channels.stream_event set handed_at = $4 where tenant_id = $1 and principal_id = $2 and seq = $3 and handed_at is null",
            tenant(self),
            principal.uuid(),
            seq,
            at,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn last_event(&mut self, principal: PrincipalId) -> Result<i64, StoreError> {
        let last = sqlx::query_scalar!(
            "select last_seq from channels.stream where tenant_id = $1 and principal_id = $2",
            tenant(self),
            principal.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        Ok(last.unwrap_or(0))
    }

    async fn resume_point(&mut self, principal: PrincipalId) -> Result<i64, StoreError> {
        let oldest = sqlx::query_scalar!(
            "select min(e.seq) from channels.stream_event e
             join channels.delivery d on d.tenant_id = e.tenant_id and d.message_id = e.message_id
             where e.tenant_id = $1 and e.principal_id = $2 and (e.handed_at is null or d.ended_at is null)",
            tenant(self),
            principal.uuid(),
        )
        .fetch_one(self.conn())
        .await?;
        match oldest {
            Some(seq) => Ok(seq - 1),
            None => self.last_event(principal).await,
        }
    }
}
