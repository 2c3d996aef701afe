//! Sinks in memory.
use async_trait::async_trait;
use keepgate_kernel::{Level, SinkId, TenantId, Timestamp};
use keepgate_policy::Standing;
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync as Map;

use super::table::Audit;
use crate::{
    Entry,
    entry::StoredEntry,
    sink::{
        Claim, DeadLetter, NewSink, Progress, SealedSecret, Settled, Settlement, Sink, SinkConfig, SinkLag, SinkState,
        Sinks,
    },
};

#[derive(Debug, Clone)]
struct Row {
    sink: Sink,
    secret: Option<SealedSecret>,
    batch_end: Option<u64>,
    token: i64,
    until: Option<Timestamp>,
}

#[derive(Debug, Clone, Default)]
struct Rows {
    sinks: Map<(TenantId, SinkId), Row>,
    dead: Map<(TenantId, SinkId, u64), DeadLetter>,
}

/// Who asks, as row-level security knows it.
fn reader(tx: &MemTx) -> Option<TenantId> {
    owner(tx).or_else(|| worker(tx)).or_else(|| {
        let caller = tx.context().principal();
        (caller.level() == Some(Level::TenantAdmin)).then_some(caller.tenant)
    })
}

fn owner(tx: &MemTx) -> Option<TenantId> {
    let caller = tx.context().principal();
    (caller.level() == Some(Level::TenantOwner) && caller.hat.is_none()).then_some(caller.tenant)
}

fn worker(tx: &MemTx) -> Option<TenantId> {
    (tx.context().principal().standing == Standing::System).then(|| tx.context().tenant())
}

fn rows(tx: &MemTx) -> Rows {
    tx.read::<Rows>().cloned().unwrap_or_default()
}

/// Without its opening.
fn entry_at(tx: &MemTx, tenant: TenantId, index: u64) -> Option<Entry> {
    let log = tx.read::<Audit>()?.logs.get(&tenant)?;
    let row = log.rows.get(usize::try_from(index).ok()?)?;
    let stored = StoredEntry {
        index,
        bytes: row.leaf.to_vec(),
        leaf_hash: row.leaf_hash,
        source: None,
        sealed: None,
    };
    stored.try_into().ok()
}

fn signed(tx: &MemTx, tenant: TenantId) -> u64 {
    let log = tx.read::<Audit>().and_then(|audit| audit.logs.get(&tenant));
    log.and_then(|log| log.checkpoints.last()).map_or(0, |(size, _)| *size)
}

impl Rows {
    fn shown(&self, tenant: TenantId, row: &Row) -> Sink {
        let mut sink = row.sink.clone();
        sink.progress.dead_letters = u64::try_from(self.dead_of(tenant, sink.id).count()).unwrap_or(u64::MAX);
        sink
    }

    fn dead_of(&self, tenant: TenantId, id: SinkId) -> impl Iterator<Item = &DeadLetter> {
        self.dead
            .range((tenant, id, 0)..=(tenant, id, u64::MAX))
            .map(|(_, letter)| letter)
    }

    fn of(&self, tenant: TenantId) -> impl Iterator<Item = &Row> {
        self.sinks
            .iter()
            .filter(move |((of, _), _)| *of == tenant)
            .map(|(_, row)| row)
    }

    fn named(&self, tenant: TenantId, name: &str, but: Option<SinkId>) -> bool {
        self.of(tenant)
            .any(|row| row.sink.config.name == name && Some(row.sink.id) != but)
    }

    /// Mirrors `sec.sink_due`.
    fn due(&self, tx: &MemTx, tenant: TenantId, row: &Row) -> bool {
        let (now, size) = (tx.context().at(), signed(tx, tenant));
        let Sink {
            config,
            progress,
            paused,
            ..
        } = &row.sink;
        let free = !paused && progress.next_at <= now && row.until.is_none_or(|until| until <= now);
        let waited = || {
            let oldest = entry_at(tx, tenant, progress.next_index)?.leaf.recorded_at;
            Some((now - oldest).num_seconds() >= i64::from(config.max_delay_seconds))
        };
        free && (row.batch_end.is_some()
            || self.dead_of(tenant, row.sink.id).any(|letter| letter.retry)
            || size >= progress.next_index + u64::from(config.batch_size)
            || (size > progress.next_index && (config.max_delay_seconds == 0 || waited().unwrap_or(false))))
    }
}

#[async_trait]
impl Sinks for MemTx {
    async fn add_sink(&mut self, new: &NewSink) -> Result<bool, StoreError> {
        let tenant = owner(self).ok_or(StoreError::Forbidden)?;
        if new.from > signed(self, tenant) {
            return Err(StoreError::Forbidden);
        }
        if rows(self).named(tenant, &new.config.name, None) {
            return Ok(false);
        }
        let at = self.context().at();
        let progress = Progress {
            next_index: new.from,
            state: SinkState::Active,
            reason: None,
            failures: 0,
            rejected: 0,
            next_at: at,
            delivered_at: None,
            dead_letters: 0,
        };
        let sink = Sink {
            id: new.id,
            config: new.config.clone(),
            paused: false,
            created_at: at,
            progress,
        };
        let row = Row {
            sink,
            secret: new.secret.clone(),
            batch_end: None,
            token: 0,
            until: None,
        };
        self.write::<Rows>().sinks.insert_mut((tenant, new.id), row);
        Ok(true)
    }

    async fn sink(&mut self, id: SinkId) -> Result<Option<Sink>, StoreError> {
        let (tenant, rows) = (reader(self), rows(self));
        Ok(tenant.and_then(|tenant| rows.sinks.get(&(tenant, id)).map(|row| rows.shown(tenant, row))))
    }

    async fn sinks(&mut self) -> Result<Vec<Sink>, StoreError> {
        let (tenant, rows) = (reader(self), rows(self));
        Ok(tenant.map_or_else(Vec::new, |tenant| {
            rows.of(tenant).map(|row| rows.shown(tenant, row)).collect()
        }))
    }

    async fn change_sink(&mut self, id: SinkId, config: &SinkConfig, paused: bool) -> Result<bool, StoreError> {
        let tenant = owner(self).ok_or(StoreError::Forbidden)?;
        let rows = rows(self);
        let mut row = rows.sinks.get(&(tenant, id)).cloned().ok_or(StoreError::Forbidden)?;
        if rows.named(tenant, &config.name, Some(id)) {
            return Ok(false);
        }
        row.sink.config = config.clone();
        row.sink.paused = paused;
        self.again(tenant, row, None);
        Ok(true)
    }

    async fn put_sink_secret(&mut self, id: SinkId, secret: Option<&SealedSecret>) -> Result<(), StoreError> {
        let tenant = owner(self).ok_or(StoreError::Forbidden)?;
        let mut row = rows(self)
            .sinks
            .get(&(tenant, id))
            .cloned()
            .ok_or(StoreError::Forbidden)?;
        row.secret = secret.cloned();
        self.write::<Rows>().sinks.insert_mut((tenant, id), row);
        Ok(())
    }

    async fn sink_secret(&mut self, id: SinkId) -> Result<Option<SealedSecret>, StoreError> {
        let tenant = owner(self).or_else(|| worker(self));
        Ok(tenant.and_then(|tenant| rows(self).sinks.get(&(tenant, id))?.secret.clone()))
    }

    async fn remove_sink(&mut self, id: SinkId) -> Result<bool, StoreError> {
        let Some(tenant) = owner(self) else { return Ok(false) };
        let dead: Vec<u64> = rows(self).dead_of(tenant, id).map(|letter| letter.first).collect();
        let rows = self.write::<Rows>();
        for first in dead {
            rows.dead.remove_mut(&(tenant, id, first));
        }
        Ok(rows.sinks.remove_mut(&(tenant, id)))
    }

    async fn rewind_sink(&mut self, id: SinkId, from: u64) -> Result<bool, StoreError> {
        let tenant = owner(self).ok_or(StoreError::Forbidden)?;
        let Some(row) = rows(self).sinks.get(&(tenant, id)).cloned() else {
            return Ok(false);
        };
        if from > signed(self, tenant) {
            return Err(StoreError::Forbidden);
        }
        self.again(tenant, row, Some(from));
        Ok(true)
    }

    async fn dead_letters(
        &mut self,
        id: SinkId,
        after: Option<u64>,
        limit: u16,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let Some(tenant) = reader(self) else {
            return Ok(Vec::new());
        };
        let rows = rows(self);
        let later = |letter: &&DeadLetter| after.is_none_or(|after| letter.first > after);
        Ok(rows
            .dead_of(tenant, id)
            .filter(later)
            .take(limit.into())
            .cloned()
            .collect())
    }

    async fn retry_dead_letters(&mut self, id: SinkId) -> Result<u64, StoreError> {
        let tenant = owner(self).ok_or(StoreError::Forbidden)?;
        let letters: Vec<DeadLetter> = rows(self).dead_of(tenant, id).cloned().collect();
        for letter in &letters {
            let wanted = DeadLetter {
                retry: true,
                ..letter.clone()
            };
            self.write::<Rows>().dead.insert_mut((tenant, id, letter.first), wanted);
        }
        Ok(u64::try_from(letters.len()).unwrap_or(u64::MAX))
    }

    /// Memory does not know which tenant is the platform's: every worker of Keepgate's own may ask.
    async fn due_sinks(&mut self, limit: u16) -> Result<Vec<(TenantId, SinkId)>, StoreError> {
        let rows = rows(self);
        let due = rows.sinks.iter().filter(|_| worker(self).is_some());
        Ok(due
            .filter(|((tenant, _), row)| rows.due(self, *tenant, row))
            .map(|(key, _)| *key)
            .take(limit.into())
            .collect())
    }

    async fn sink_lags(&mut self) -> Result<Vec<SinkLag>, StoreError> {
        let rows = rows(self);
        let all = rows.sinks.iter().filter(|_| worker(self).is_some());
        let lag = |((tenant, id), row): (&(TenantId, SinkId), &Row)| {
            let next = row.sink.progress.next_index;
            SinkLag {
                id: *id,
                failing: row.sink.progress.state == SinkState::Failing,
                paused: row.sink.paused,
                behind: signed(self, *tenant).saturating_sub(next),
                oldest: entry_at(self, *tenant, next).map(|entry| entry.leaf.recorded_at),
            }
        };
        Ok(all.map(lag).collect())
    }

    async fn claim_sink(&mut self, id: SinkId, seconds: u16) -> Result<Option<Claim>, StoreError> {
        let Some(tenant) = worker(self) else { return Ok(None) };
        let rows = rows(self);
        let Some(mut row) = rows.sinks.get(&(tenant, id)).cloned() else {
            return Ok(None);
        };
        if !rows.due(self, tenant, &row) {
            return Ok(None);
        }
        let letter = rows.dead_of(tenant, id).find(|letter| letter.retry);
        let next = row.sink.progress.next_index;
        let (first, past) = match letter {
            Some(letter) => (letter.first, letter.last + 1),
            None => {
                let batch = (next + u64::from(row.sink.config.batch_size)).min(signed(self, tenant));
                let past = row.batch_end.unwrap_or(batch);
                row.batch_end = Some(past);
                (next, past)
            }
        };
        let log = self.read::<Audit>().and_then(|audit| audit.logs.get(&tenant));
        let log = log.ok_or_else(|| StoreError::corrupt("audit.log", "origin"))?;
        let entries = (first..past).map_while(|index| entry_at(self, tenant, index)).collect();
        let origin = log.origin.clone();
        row.token += 1;
        row.until = Some(self.context().at() + std::time::Duration::from_secs(seconds.into()));
        let claim = Claim {
            sink: rows.shown(tenant, &row),
            secret: row.secret.clone(),
            token: row.token,
            origin,
            dead: letter.is_some(),
            first,
            entries,
        };
        self.write_unaudited::<Rows>().sinks.insert_mut((tenant, id), row);
        Ok(Some(claim))
    }

    async fn settle_sink(&mut self, claim: &Claim, settlement: &Settlement) -> Result<bool, StoreError> {
        let tenant = worker(self).ok_or(StoreError::Forbidden)?;
        let (id, now) = (claim.sink.id, self.context().at());
        let row = rows(self).sinks.get(&(tenant, id)).cloned();
        let Some(mut row) = row.filter(|row| row.token == claim.token && row.until.is_some()) else {
            return Ok(false);
        };
        row.until = None;
        let progress = &mut row.sink.progress;
        progress.next_at = now;
        let mut letter = None;
        match &settlement.settled {
            Settled::Taken { past } => {
                (progress.failures, progress.rejected, progress.reason) = (0, 0, None);
                progress.delivered_at = Some(now);
                if !claim.dead {
                    (progress.next_index, row.batch_end) = (*past, None);
                }
            }
            Settled::Narrower { end } => row.batch_end = Some(*end),
            Settled::Dead { reason } => {
                progress.rejected += u32::from(!claim.dead);
                if !claim.dead {
                    (progress.next_index, row.batch_end) = (claim.first + 1, None);
                }
                letter = Some(DeadLetter {
                    first: claim.first,
                    last: claim.first,
                    reason: reason.clone(),
                    at: now,
                    retry: false,
                });
            }
            Settled::Again { at, reason } => {
                progress.failures += 1;
                (progress.next_at, progress.reason) = (*at, Some(reason.clone()));
            }
        }
        if let Some(state) = settlement.turned {
            progress.state = state;
        }
        let rows = match settlement.turned {
            Some(_) => self.write::<Rows>(),
            None => self.write_unaudited::<Rows>(),
        };
        rows.sinks.insert_mut((tenant, id), row);
        match letter {
            Some(letter) => {
                rows.dead.insert_mut((tenant, id, letter.first), letter);
            }
            None if claim.dead && matches!(settlement.settled, Settled::Taken { .. }) => {
                rows.dead.remove_mut(&(tenant, id, claim.first));
            }
            None => {}
        }
        Ok(true)
    }
}

/// What an owner's change does to what is under way.
trait Again {
    fn again(&mut self, tenant: TenantId, row: Row, from: Option<u64>);
}

impl Again for MemTx {
    fn again(&mut self, tenant: TenantId, mut row: Row, from: Option<u64>) {
        row.token += 1;
        row.until = None;
        row.sink.progress.failures = 0;
        row.sink.progress.rejected = 0;
        row.sink.progress.next_at = self.context().at();
        row.batch_end = None;
        if let Some(from) = from {
            row.sink.progress.next_index = from;
        }
        self.write::<Rows>().sinks.insert_mut((tenant, row.sink.id), row);
    }
}
