//! The outbox.
use async_trait::async_trait;
use keepgate_kernel::{MessageId, Timestamp};
use keepgate_store::{PgTx, StoreError};

use super::{held, tenant};
use crate::{
    machine::{AttemptState, Delivery, Live, LiveState, Position},
    ports::{Keep, Outbox},
    types::{AckBy, Held, Lease, Leased, Status, Todo, WorkerId},
};

#[async_trait]
impl Outbox for PgTx {
    async fn lease_due(
        &mut self,
        worker: &WorkerId,
        limit: u16,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Leased>, StoreError> {
        let rows = sqlx::query!(
            r#"with due as (
                 select d.message_id, d.wake_at from channels.delivery d
                 where d.tenant_id = $1 and d.tenant_id = (select gate.worker()) and d.wake_at <= $2
                 order by d.wake_at limit $3 for update skip locked),
               leased as (
                 update channels.delivery d set lease_owner = $4, lease_token = d.lease_token + 1, lease_until = $5, wake_at = $5
                 from due where d.tenant_id = $1 and d.message_id = due.message_id
                 returning d.message_id, d.lease_token, d.status, d.due_at, due.wake_at as waited)
               select l.message_id, l.lease_token, l.status, l.due_at, m.deadline, a.state as "state?", a.ends_at as "ends_at?",
                 a.sends as "sends?", a.idempotent as "idempotent?"
               from leased l join channels.message m on m.tenant_id = $1 and m.id = l.message_id
               left join channels.attempt a on a.tenant_id = $1 and a.message_id = l.message_id and a.live
               order by l.waited, l.message_id"#,
            tenant(self),
            now,
            i64::from(limit),
            worker.as_str(),
            until,
        )
        .fetch_all(self.conn())
        .await?;
        let leased = rows.into_iter().map(|row| {
            let status =
                Status::parse(&row.status).ok_or_else(|| StoreError::corrupt("channels.delivery", "status"))?;
            let live = row
                .state
                .as_deref()
                .and_then(AttemptState::parse)
                .and_then(LiveState::of)
                .zip(row.ends_at)
                .map(|(state, ends)| {
                    let sends = u16::try_from(row.sends.unwrap_or(0)).unwrap_or(u16::MAX);
                    Live {
                        state,
                        ends,
                        sends,
                        idempotent: row.idempotent.unwrap_or(false),
                    }
                });
            let (at, due) = (Position::default(), row.due_at);
            let delivery = match (status.terminal(), live) {
                (Some(terminal), _) => Delivery::Ended(terminal),
                (None, Some(live)) => Delivery::Trying { at, live, due },
                (None, None) => Delivery::Ready { at, due },
            };
            let todo = if delivery.wants_start(row.deadline, now) {
                Todo::Start
            } else {
                Todo::Advance
            };
            let lease = Lease {
                message: MessageId::from_uuid(row.message_id),
                token: row.lease_token,
                until,
            };
            Ok(Leased { lease, todo })
        });
        leased.collect()
    }

    async fn hold(&mut self, message: MessageId, token: i64) -> Result<Held, StoreError> {
        held::lock(self, message, Some(token))
            .await?
            .ok_or(StoreError::Conflict)
    }

    async fn lock(&mut self, message: MessageId) -> Result<Option<Held>, StoreError> {
        held::lock(self, message, None).await
    }

    async fn save(&mut self, held: &Held, keep: Keep, now: Timestamp) -> Result<(), StoreError> {
        let terminal = held.delivery.terminal();
        let status = terminal.map_or(
            if held.begun {
                Status::Delivering
            } else {
                Status::Accepted
            },
            Status::from,
        );
        let at = held.delivery.position();
        let (leased, wake) = held.wake(keep, now);
        let ack = held.ack.as_ref();
        let acked = ack.map(|ack| match ack.by {
            AckBy::Principal(principal) => (principal.kind().as_str(), principal.uuid()),
            AckBy::Attempt(attempt) => ("attempt", attempt.uuid()),
        });
        let done = sqlx::query!(
            "update channels.delivery set status = $3, step = coalesce($4, step), target = coalesce($5, target), tries = coalesce($6, tries),
               due_at = coalesce($7, due_at), wake_at = $8, lease_owner = case when $9 then lease_owner end,
               lease_until = case when $9 then lease_until end, acked_at = $10, acked_kind = $11, acked_by = $12, ack_note = $13,
               ended_at = case when $14 then coalesce(ended_at, $15) end
             where tenant_id = $1 and message_id = $2",
            tenant(self),
            held.message.uuid(),
            status.as_str(),
            at.map(|at| i16::from(at.step)),
            at.map(|at| i16::from(at.target)),
            at.map(|at| i16::from(at.tries)),
            held.delivery.due(),
            wake,
            leased,
            ack.map(|ack| ack.at),
            acked.map(|(kind, _)| kind),
            acked.map(|(_, by)| by),
            ack.and_then(|ack| ack.note.as_ref()).map(|note| note.as_bytes()),
            terminal.is_some(),
            now,
        )
        .execute(self.conn())
        .await?;
        if done.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::Forbidden)
        }
    }

    async fn release(&mut self, message: MessageId, token: i64, due: Timestamp) -> Result<(), StoreError> {
        let done = sqlx::query!(
            "update channels.delivery set lease_owner = null, lease_until = null, wake_at = case when ended_at is null then $4::timestamptz end
             where tenant_id = $1 and message_id = $2 and lease_token = $3",
            tenant(self),
            message.uuid(),
            token,
            due,
        )
        .execute(self.conn())
        .await?;
        if done.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::Conflict)
        }
    }
}
