//! Streams.
use async_trait::async_trait;
use keepgate_kernel::{AttemptId, MessageId, PrincipalId, Timestamp};
use keepgate_store::{MemTx, StoreError};

use super::{Caller, Event, Rows, caller, rows};
use crate::{ports::StreamEvents, types::StreamEvent};

impl Rows {
    /// The stream of `principal`, if `caller` may read it.
    fn stream(&self, caller: Caller, principal: PrincipalId) -> Vec<(i64, Event)> {
        let may = caller.level == 0 || (caller.within(1, 5) && caller.subject == principal);
        let all = self
            .events
            .iter()
            .filter(|((tenant, of, _), _)| may && *tenant == caller.tenant && *of == principal);
        all.map(|((_, _, seq), event)| (*seq, *event)).collect()
    }
}

#[async_trait]
impl StreamEvents for MemTx {
    async fn append_event(
        &mut self,
        principal: PrincipalId,
        message: MessageId,
        attempt: AttemptId,
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        let caller = caller(self);
        if caller.level != 0 {
            return Err(StoreError::Forbidden);
        }
        let seq = self.last_event(principal).await? + 1;
        let event = Event {
            message,
            attempt,
            at,
            handed: false,
        };
        self.write_unaudited::<Rows>()
            .events
            .insert_mut((caller.tenant, principal, seq), event);
        Ok(seq)
    }

    async fn events_after(
        &mut self,
        principal: PrincipalId,
        after: i64,
        limit: u16,
    ) -> Result<Vec<StreamEvent>, StoreError> {
        let (caller, rows) = (caller(self), rows(self));
        let later = rows
            .stream(caller, principal)
            .into_iter()
            .filter(|(seq, _)| *seq > after)
            .take(usize::from(limit));
        let events = later.filter_map(|(seq, event)| {
            let message = rows.visible(caller, event.message)?;
            Some(StreamEvent {
                seq,
                message: event.message,
                attempt: event.attempt,
                at: event.at,
                payload: message.payload.clone(),
                text: message.text.clone(),
                content_type: message.content_type.clone(),
                priority: message.priority,
                require_ack: message.require_ack,
                accepted_at: message.accepted_at,
            })
        });
        Ok(events.collect())
    }

    async fn note_handed(&mut self, principal: PrincipalId, seq: i64, _: Timestamp) -> Result<(), StoreError> {
        let (caller, rows) = (caller(self), rows(self));
        let key = (caller.tenant, principal, seq);
        if let Some(event) = rows.events.get(&key).filter(|_| caller.level == 0) {
            self.write_unaudited::<Rows>()
                .events
                .insert_mut(key, Event { handed: true, ..*event });
        }
        Ok(())
    }

    async fn last_event(&mut self, principal: PrincipalId) -> Result<i64, StoreError> {
        Ok(rows(self)
            .stream(caller(self), principal)
            .last()
            .map_or(0, |(seq, _)| *seq))
    }

    async fn resume_point(&mut self, principal: PrincipalId) -> Result<i64, StoreError> {
        let (caller, rows) = (caller(self), rows(self));
        let under_way = |event: &Event| {
            rows.deliveries
                .get(&(caller.tenant, event.message))
                .is_some_and(|row| row.status.terminal().is_none())
        };
        let oldest = rows
            .stream(caller, principal)
            .into_iter()
            .find(|(_, event)| !event.handed || under_way(event));
        match oldest {
            Some((seq, _)) => Ok(seq - 1),
            None => self.last_event(principal).await,
        }
    }
}
