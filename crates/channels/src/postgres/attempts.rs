//! Attempts and callbacks.
use async_trait::async_trait;
use keepgate_kernel::AttemptId;
use keepgate_store::{PgTx, StoreError};

use super::{rows::AttemptRow, tenant};
use crate::{
    machine::{RefusalClass, Stage},
    ports::Attempts,
    types::{Attempt, Callback, Reason},
};

/// The word of a callback that is no receipt.
const OTHER: &str = "other";

#[async_trait]
impl Attempts for PgTx {
    async fn add_attempt(&mut self, attempt: &Attempt) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into channels.attempt (tenant_id, id, message_id, step, target, try, channel, provider, idempotent, state, live, reason,
               provider_ref, sends, lease_token, at, ends_at, settled_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
            tenant(self),
            attempt.id.uuid(),
            attempt.message.uuid(),
            i16::from(attempt.step),
            i16::from(attempt.target),
            i16::from(attempt.number),
            attempt.channel.as_str(),
            attempt.provider,
            attempt.idempotent,
            attempt.state.as_str(),
            attempt.live,
            attempt.reason.as_ref().map(Reason::as_str),
            attempt.provider_ref,
            sends(attempt),
            attempt.token,
            attempt.at,
            attempt.ends,
            attempt.settled_at,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn attempt(&mut self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        let row = sqlx::query_as!(
            AttemptRow,
            "select id, message_id, step, target, try, channel, provider, idempotent, state, live, reason, provider_ref, sends,
               lease_token, at, ends_at, settled_at
             from channels.attempt where tenant_id = $1 and id = $2",
            tenant(self),
            id.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        row.map(Attempt::try_from).transpose()
    }

    async fn save_attempt(&mut self, attempt: &Attempt) -> Result<(), StoreError> {
        let done = sqlx::query!(
            "update channels.attempt set state = $3, live = $4, reason = $5, provider_ref = $6, sends = $7, lease_token = $8, ends_at = $9,
               settled_at = $10
             where tenant_id = $1 and id = $2",
            tenant(self),
            attempt.id.uuid(),
            attempt.state.as_str(),
            attempt.live,
            attempt.reason.as_ref().map(Reason::as_str),
            attempt.provider_ref,
            sends(attempt),
            attempt.token,
            attempt.ends,
            attempt.settled_at,
        )
        .execute(self.conn())
        .await?;
        if done.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::Forbidden)
        }
    }

    async fn note_callback(&mut self, callback: &Callback) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "insert into channels.callback (tenant_id, attempt_id, event, stage, class, reason, received_at, parked)
             values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
            tenant(self),
            callback.attempt.uuid(),
            callback.event,
            callback.stage.map_or(OTHER, Stage::as_str),
            callback.class.as_str(),
            callback.reason.as_ref().map(Reason::as_str),
            callback.received_at,
            callback.parked,
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn unpark_callbacks(&mut self, attempt: AttemptId) -> Result<Vec<Callback>, StoreError> {
        let mut rows = sqlx::query!(
            "update channels.callback set parked = false where tenant_id = $1 and attempt_id = $2 and parked
             returning event, stage, class, reason, received_at",
            tenant(self),
            attempt.uuid(),
        )
        .fetch_all(self.conn())
        .await?;
        rows.sort_by(|a, b| (a.received_at, &a.event).cmp(&(b.received_at, &b.event)));
        let callbacks = rows.into_iter().map(|row| Callback {
            attempt,
            event: row.event,
            stage: Stage::parse(&row.stage),
            class: row
                .class
                .as_deref()
                .and_then(RefusalClass::parse)
                .unwrap_or(RefusalClass::Target),
            reason: row.reason.as_deref().map(Reason::new),
            received_at: row.received_at,
            parked: false,
        });
        Ok(callbacks.collect())
    }
}

fn sends(attempt: &Attempt) -> i16 {
    i16::try_from(attempt.sends).unwrap_or(i16::MAX)
}
