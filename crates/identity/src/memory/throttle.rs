//! Counters of failed log-ins in memory.
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_store::{MemTx, StoreError};

use super::{
    caller::Caller,
    rows::{ThrottleRow, ThrottleRows},
};
use crate::{Admission, Bucket, Throttle, throttle::silence};

#[async_trait]
impl Throttle for MemTx {
    async fn admit(&mut self, bucket: &Bucket) -> Result<Admission, StoreError> {
        let caller = Caller::of(self);
        caller.within(0, 0).ok_or(StoreError::Forbidden)?;
        let row = self.read::<ThrottleRows>().and_then(|rows| rows.get(bucket)).copied();
        if let Some(row) = row.filter(|row| row.blocked_until > caller.at) {
            return Ok(Admission::Locked(
                (row.blocked_until - caller.at).to_std().unwrap_or_default(),
            ));
        }
        let failures = row.map_or(0, |row| row.failures).saturating_add(1);
        let blocked_until = caller.at + TimeDelta::from_std(silence(failures)).unwrap_or_default();
        let row = ThrottleRow {
            failures,
            blocked_until,
            updated_at: caller.at,
        };
        self.write_unaudited::<ThrottleRows>().insert_mut(*bucket, row);
        Ok(Admission::Admitted)
    }

    async fn forgive(&mut self, bucket: &Bucket) -> Result<(), StoreError> {
        Caller::of(self).within(0, 0).ok_or(StoreError::Forbidden)?;
        self.write_unaudited::<ThrottleRows>().remove_mut(bucket);
        Ok(())
    }

    async fn sweep_throttle(&mut self, idle: Duration) -> Result<u64, StoreError> {
        let caller = Caller::of(self);
        caller.within(0, 0).ok_or(StoreError::Forbidden)?;
        let since = caller.at - TimeDelta::from_std(idle).unwrap_or(TimeDelta::MAX);
        let Some(rows) = self.read::<ThrottleRows>() else {
            return Ok(0);
        };
        let old: Vec<Bucket> = rows
            .iter()
            .filter(|(_, row)| row.updated_at < since && row.blocked_until <= caller.at)
            .map(|(bucket, _)| *bucket)
            .collect();
        for bucket in &old {
            self.write_unaudited::<ThrottleRows>().remove_mut(bucket);
        }
        Ok(old.len() as u64)
    }
}
