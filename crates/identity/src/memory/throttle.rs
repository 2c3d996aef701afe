//! Counters of failed log-ins in memory.
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_kernel::Timestamp;
use keepgate_store::{MemTx, StoreError};

use super::{caller::Caller, rows::ThrottleRows};
use crate::{
    Admission, Attempt, Bucket, Counter, Guard, Miss, Places, Throttle,
    throttle::numbers::{RECOVERY, UNTRUSTED},
};

/// How long an account's counter without a pause is kept.
const YEAR: TimeDelta = TimeDelta::days(365);

/// The time, provided a worker asks.
fn worker(tx: &MemTx) -> Result<Timestamp, StoreError> {
    let caller = Caller::of(tx);
    caller.within(0, 0).map(|_| caller.at).ok_or(StoreError::Forbidden)
}

fn counter(tx: &MemTx, bucket: &Bucket, at: Timestamp) -> Counter {
    let stored = tx.read::<ThrottleRows>().and_then(|rows| rows.get(bucket)).cloned();
    stored.unwrap_or_else(|| Counter::new(at))
}

fn keep(tx: &mut MemTx, bucket: Bucket, counter: Counter) {
    tx.write_unaudited::<ThrottleRows>().insert_mut(bucket, counter);
}

#[async_trait]
impl Throttle for MemTx {
    async fn admit(&mut self, attempt: &Attempt) -> Result<Admission, StoreError> {
        let at = worker(self)?;
        let places = attempt.places.iter().flat_map(crate::Places::all);
        let blocked = places.filter_map(|(bucket, guard)| Some((counter(self, &bucket, at).blocked(at)?, guard)));
        if let Some((left, guard)) = blocked.max_by_key(|(left, _)| *left) {
            return Ok(Admission::Locked(left, guard));
        }
        let mut account = counter(self, &attempt.account, at);
        let admission = attempt.ask(&mut account, at);
        if admission == Admission::Admitted {
            keep(self, attempt.account, account);
        }
        Ok(admission)
    }

    async fn blocked(&mut self, places: &Places) -> Result<Option<(Duration, Guard)>, StoreError> {
        let at = worker(self)?;
        let blocks = places
            .all()
            .into_iter()
            .filter_map(|(bucket, guard)| Some((counter(self, &bucket, at).blocked(at)?, guard)));
        Ok(blocks.max_by_key(|(left, _)| *left))
    }

    async fn missed(&mut self, miss: &Miss) -> Result<Vec<(Bucket, Timestamp)>, StoreError> {
        let at = worker(self)?;
        let mut blocks = Vec::new();
        for (bucket, _) in miss.places.all() {
            let mut place = counter(self, &bucket, at);
            miss.count(bucket, &mut place, at);
            if place.blocked(at).is_some() {
                blocks.push((bucket, place.blocked_until));
            }
            keep(self, bucket, place);
        }
        Ok(blocks)
    }

    async fn forgive(&mut self, bucket: &Bucket) -> Result<(), StoreError> {
        worker(self)?;
        self.write_unaudited::<ThrottleRows>().remove_mut(bucket);
        Ok(())
    }

    async fn admit_recovery(&mut self, bucket: &Bucket) -> Result<bool, StoreError> {
        let at = worker(self)?;
        let mut asked = counter(self, bucket, at);
        if asked.blocked(at).is_some() {
            return Ok(false);
        }
        asked.leak(&RECOVERY, at);
        keep(self, *bucket, asked);
        Ok(true)
    }

    async fn sweep_throttle(&mut self, idle: Duration) -> Result<u64, StoreError> {
        let at = worker(self)?;
        let since = at - TimeDelta::from_std(idle).unwrap_or(TimeDelta::MAX);
        let Some(rows) = self.read::<ThrottleRows>() else {
            return Ok(0);
        };
        let idle = |row: &Counter| row.failures == 0 && row.updated_at < since;
        let old = |row: &Counter| row.failures <= UNTRUSTED.free && row.updated_at < at - YEAR;
        let gone: Vec<Bucket> = rows
            .iter()
            .filter(|(_, row)| row.blocked(at).is_none() && (idle(row) || old(row)))
            .map(|(bucket, _)| *bucket)
            .collect();
        for bucket in &gone {
            self.write_unaudited::<ThrottleRows>().remove_mut(bucket);
        }
        Ok(gone.len() as u64)
    }
}
