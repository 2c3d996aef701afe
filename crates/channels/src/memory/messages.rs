//! Messages.
use std::sync::Arc;

use async_trait::async_trait;
use keepgate_kernel::MessageId;
use keepgate_store::{MemTx, StoreError};

use super::{Row, Rows, caller, rows, summary};
use crate::{
    machine::Position,
    ports::Messages,
    types::{Cursor, Message, MessageFilter, MessageSummary, MessageView, Page, SealedContent, Status},
};

#[async_trait]
impl Messages for MemTx {
    async fn add_message(&mut self, message: &Message) -> Result<(), StoreError> {
        let caller = caller(self);
        if !caller.within(1, 5) || message.sender != caller.subject || message.unit != caller.unit {
            return Err(StoreError::Forbidden);
        }
        let key = (caller.tenant, message.id);
        let table = self.write::<Rows>();
        if table.messages.contains_key(&key) {
            return Err(StoreError::Conflict);
        }
        table.messages.insert_mut(key, Arc::new(message.clone()));
        let row = Row {
            status: Status::Accepted,
            at: Position::default(),
            due: message.accepted_at,
            wake: Some(message.accepted_at),
            token: 0,
            until: None,
            ack: None,
            ended_at: None,
        };
        table.deliveries.insert_mut(key, row);
        Ok(())
    }

    async fn message(&mut self, id: MessageId) -> Result<Option<MessageView>, StoreError> {
        let (caller, rows) = (caller(self), rows(self));
        let Some((message, row)) = rows.visible(caller, id).zip(rows.deliveries.get(&(caller.tenant, id))) else {
            return Ok(None);
        };
        Ok(Some(MessageView {
            message: summary(message, row),
            attempts: rows.attempts_of(caller.tenant, id),
        }))
    }

    async fn messages(
        &mut self,
        filter: &MessageFilter,
        page: &Page<Cursor>,
    ) -> Result<Vec<MessageSummary>, StoreError> {
        let (caller, rows) = (caller(self), rows(self));
        let mine = rows
            .messages
            .iter()
            .filter(|((tenant, _), message)| *tenant == caller.tenant && caller.sees(message));
        let mut found: Vec<MessageSummary> = mine
            .filter_map(|(key, message)| rows.deliveries.get(key).map(|row| summary(message, row)))
            .filter(|message| passes(message, filter))
            .filter(|message| {
                page.after
                    .is_none_or(|after| (message.accepted_at, message.id.uuid()) < (after.at, after.id))
            })
            .collect();
        found.sort_by_key(|message| std::cmp::Reverse((message.accepted_at, message.id)));
        found.truncate(page.rows());
        Ok(found)
    }

    async fn sealed_payload(&mut self, id: MessageId) -> Result<Option<SealedContent>, StoreError> {
        let content = |message: &Arc<Message>| SealedContent {
            payload: message.payload.clone(),
            text: message.text.clone(),
        };
        Ok(rows(self).visible(caller(self), id).map(content))
    }
}

fn passes(message: &MessageSummary, filter: &MessageFilter) -> bool {
    filter.status.is_none_or(|status| message.status == status)
        && filter
            .recipient
            .is_none_or(|recipient| message.recipient == Some(recipient))
        && filter.from.is_none_or(|from| message.accepted_at >= from)
        && filter.to.is_none_or(|to| message.accepted_at < to)
}
