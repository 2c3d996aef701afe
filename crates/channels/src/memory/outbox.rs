//! The outbox.
use async_trait::async_trait;
use keepgate_kernel::{MessageId, Timestamp};
use keepgate_store::{MemTx, StoreError};

use super::{Caller, Row, Rows, caller, held, rows};
use crate::{
    machine::Terminal,
    ports::{Keep, Outbox},
    types::{AckBy, Held, Lease, Leased, Status, Todo, WorkerId, addressees},
};

#[async_trait]
impl Outbox for MemTx {
    async fn lease_due(
        &mut self,
        _: &WorkerId,
        limit: u16,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Leased>, StoreError> {
        let caller = caller(self);
        if caller.level != 0 {
            return Ok(Vec::new());
        }
        let before = rows(self);
        let mine = before
            .deliveries
            .iter()
            .filter(|((tenant, _), _)| *tenant == caller.tenant);
        let mut due: Vec<(Timestamp, MessageId)> = mine
            .filter_map(|((_, id), row)| row.wake.filter(|wake| *wake <= now).map(|wake| (wake, *id)))
            .collect();
        due.sort();
        let mut leased = Vec::new();
        for (_, id) in due.into_iter().take(usize::from(limit)) {
            let key = (caller.tenant, id);
            let (Some(row), Some(message)) = (before.deliveries.get(&key), before.messages.get(&key)) else {
                continue;
            };
            let row = Row {
                token: row.token + 1,
                until: Some(until),
                wake: Some(until),
                ..row.clone()
            };
            let wants = held(&before, caller.tenant, message, &row)
                .delivery
                .wants_start(message.deadline, now);
            let todo = if wants { Todo::Start } else { Todo::Advance };
            leased.push(Leased {
                lease: Lease {
                    message: id,
                    token: row.token,
                    until,
                },
                todo,
            });
            self.write_unaudited::<Rows>().deliveries.insert_mut(key, row);
        }
        Ok(leased)
    }

    async fn hold(&mut self, message: MessageId, token: i64) -> Result<Held, StoreError> {
        let held = self.lock(message).await?;
        let current = rows(self)
            .deliveries
            .get(&(caller(self).tenant, message))
            .map(|row| row.token);
        held.filter(|_| current == Some(token)).ok_or(StoreError::Conflict)
    }

    async fn lock(&mut self, message: MessageId) -> Result<Option<Held>, StoreError> {
        let (caller, rows) = (caller(self), rows(self));
        let Some(found) = rows.visible(caller, message) else {
            return Ok(None);
        };
        let row = rows.deliveries.get(&(caller.tenant, message));
        Ok(row.map(|row| held(&rows, caller.tenant, found, row)))
    }

    async fn save(&mut self, held: &Held, keep: Keep, now: Timestamp) -> Result<(), StoreError> {
        let caller = caller(self);
        let key = (caller.tenant, held.message);
        let Some(old) = rows(self).deliveries.get(&key).cloned() else {
            return Err(StoreError::Forbidden);
        };
        let terminal = held.delivery.terminal();
        let at = held.delivery.position().unwrap_or(old.at);
        let (leased, wake) = held.wake(keep, now);
        let new = Row {
            status: terminal.map_or(
                if held.begun {
                    Status::Delivering
                } else {
                    Status::Accepted
                },
                Status::from,
            ),
            at,
            due: held.delivery.due().unwrap_or(old.due),
            wake,
            token: old.token,
            until: old.until.filter(|_| leased),
            ack: held.ack.clone(),
            ended_at: terminal.map(|_| old.ended_at.unwrap_or(now)),
        };
        if !forward(&old, &new) || !allowed(caller, held, &old, &new) {
            return Err(StoreError::Forbidden);
        }
        self.write::<Rows>().deliveries.insert_mut(key, new);
        Ok(())
    }

    async fn release(&mut self, message: MessageId, token: i64, due: Timestamp) -> Result<(), StoreError> {
        let key = (caller(self).tenant, message);
        let Some(old) = rows(self)
            .deliveries
            .get(&key)
            .filter(|row| row.token == token)
            .cloned()
        else {
            return Err(StoreError::Conflict);
        };
        let wake = if old.ended_at.is_none() { Some(due) } else { None };
        self.write_unaudited::<Rows>().deliveries.insert_mut(
            key,
            Row {
                wake,
                until: None,
                ..old
            },
        );
        Ok(())
    }
}

/// An end is an end, and nothing goes backwards.
fn forward(old: &Row, new: &Row) -> bool {
    if old.status.terminal().is_some() {
        return (old.status, old.at, &old.ack, old.ended_at) == (new.status, new.at, &new.ack, new.ended_at);
    }
    let restarted = new.status == Status::Accepted && old.status != Status::Accepted;
    let acked = (new.status == Status::Acknowledged) == new.ack.is_some();
    new.at >= old.at && !restarted && acked
}

/// People end a delivery and do nothing else to it.
fn allowed(caller: Caller, held: &Held, old: &Row, new: &Row) -> bool {
    if caller.level == 0 {
        return true;
    }
    let addressed = addressees(&held.contacts).contains(&caller.subject);
    let by_caller = new
        .ack
        .as_ref()
        .is_some_and(|ack| ack.by == AckBy::Principal(caller.subject));
    caller.within(1, 5)
        && new.at == old.at
        && match new.status.terminal() {
            Some(Terminal::Acknowledged) => by_caller && (caller.level >= 2 || addressed),
            Some(Terminal::Cancelled) => caller.level >= 2,
            _ => false,
        }
}
