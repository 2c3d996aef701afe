//! Attempts and callbacks.
use async_trait::async_trait;
use keepgate_kernel::AttemptId;
use keepgate_store::{MemTx, StoreError};

use super::{Rows, caller, rows};
use crate::{
    machine::AttemptState,
    ports::Attempts,
    types::{Attempt, Callback},
};

#[async_trait]
impl Attempts for MemTx {
    async fn add_attempt(&mut self, attempt: &Attempt) -> Result<(), StoreError> {
        let (caller, rows) = (caller(self), rows(self));
        let delivery = rows
            .deliveries
            .get(&(caller.tenant, attempt.message))
            .filter(|row| row.status.terminal().is_none());
        let Some(delivery) = delivery.filter(|_| caller.level == 0) else {
            return Err(StoreError::Forbidden);
        };
        let others = rows.attempts_of(caller.tenant, attempt.message);
        let twice = others
            .iter()
            .any(|other| (other.step, other.number) == (attempt.step, attempt.number) || (other.live && attempt.live));
        if delivery.token != attempt.token || twice || rows.attempts.contains_key(&(caller.tenant, attempt.id)) {
            return Err(StoreError::Conflict);
        }
        self.write::<Rows>()
            .attempts
            .insert_mut((caller.tenant, attempt.id), attempt.clone());
        Ok(())
    }

    async fn attempt(&mut self, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        let (caller, rows) = (caller(self), rows(self));
        let attempt = rows.attempts.get(&(caller.tenant, id));
        Ok(attempt
            .filter(|attempt| rows.visible(caller, attempt.message).is_some())
            .cloned())
    }

    async fn save_attempt(&mut self, attempt: &Attempt) -> Result<(), StoreError> {
        let (caller, rows) = (caller(self), rows(self));
        let key = (caller.tenant, attempt.id);
        let Some(old) = rows.attempts.get(&key).filter(|_| caller.level == 0) else {
            return Err(StoreError::Forbidden);
        };
        if !forward(old, attempt) {
            return Err(StoreError::Forbidden);
        }
        if attempt.state == AttemptState::Intent && old.state != AttemptState::Intent {
            let delivery = rows
                .deliveries
                .get(&(caller.tenant, attempt.message))
                .filter(|row| row.status.terminal().is_none());
            match delivery {
                None => return Err(StoreError::Forbidden),
                Some(row) if row.token != attempt.token => return Err(StoreError::Conflict),
                Some(_) => {}
            }
        }
        let new = Attempt {
            state: attempt.state,
            live: attempt.live,
            reason: attempt.reason.clone(),
            provider_ref: attempt.provider_ref.clone(),
            sends: attempt.sends,
            token: attempt.token,
            ends: attempt.ends,
            settled_at: attempt.settled_at,
            ..old.clone()
        };
        self.write::<Rows>().attempts.insert_mut(key, new);
        Ok(())
    }

    async fn note_callback(&mut self, callback: &Callback) -> Result<bool, StoreError> {
        let (caller, rows) = (caller(self), rows(self));
        if caller.level != 0 || !rows.attempts.contains_key(&(caller.tenant, callback.attempt)) {
            return Err(StoreError::Forbidden);
        }
        let key = (caller.tenant, callback.attempt, callback.event.clone());
        if rows.callbacks.contains_key(&key) {
            return Ok(false);
        }
        self.write_unaudited::<Rows>()
            .callbacks
            .insert_mut(key, callback.clone());
        Ok(true)
    }

    async fn unpark_callbacks(&mut self, attempt: AttemptId) -> Result<Vec<Callback>, StoreError> {
        let (caller, rows) = (caller(self), rows(self));
        let of = |((tenant, id, _), callback): &(&(_, _, _), &Callback)| {
            (*tenant, *id) == (caller.tenant, attempt) && callback.parked
        };
        let mut found: Vec<Callback> = rows
            .callbacks
            .iter()
            .filter(of)
            .map(|(_, callback)| Callback {
                parked: false,
                ..callback.clone()
            })
            .collect();
        found.sort_by(|a, b| (a.received_at, &a.event).cmp(&(b.received_at, &b.event)));
        for callback in &found {
            let key = (caller.tenant, attempt, callback.event.clone());
            self.write_unaudited::<Rows>()
                .callbacks
                .insert_mut(key, callback.clone());
        }
        Ok(found)
    }
}

/// The same rules as the guard in PostgreSQL.
fn forward(old: &Attempt, new: &Attempt) -> bool {
    use AttemptState::{Accepted, Delivered, Intent, Refused, Undelivered, Unknown};
    let moves = old.state == new.state
        || match old.state {
            Intent => true,
            Unknown => matches!(new.state, Intent | Accepted | Delivered | Undelivered),
            Accepted => matches!(new.state, Delivered | Undelivered),
            Refused | Delivered | Undelivered => false,
        };
    let repeated = old.state == Unknown && new.state == Intent;
    moves
        && (old.live || !new.live)
        && new.sends >= old.sends
        && (!repeated || new.sends > old.sends)
        && (new.sends <= 1 || old.idempotent)
}
