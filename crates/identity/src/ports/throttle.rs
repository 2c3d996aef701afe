//! Counters of failed log-ins.
use std::time::Duration;

use async_trait::async_trait;
use keepgate_store::StoreError;

use crate::{Admission, Bucket};

/// Counters of failed log-ins, the same for every tenant. Workers only (`Forbidden`); bookkeeping, so no audit entry is needed.
#[async_trait]
pub trait Throttle: Send {
    /// Asks for one attempt, and counts it as failed if it is admitted. Of many at once, as many are admitted as would be one
    /// after another.
    async fn admit(&mut self, bucket: &Bucket) -> Result<Admission, StoreError>;

    /// Forgets the failures: somebody knew the password.
    async fn forgive(&mut self, bucket: &Bucket) -> Result<(), StoreError>;

    /// Drops counters that nobody has touched for `idle` and that lock nothing; says how many.
    async fn sweep_throttle(&mut self, idle: Duration) -> Result<u64, StoreError>;
}
