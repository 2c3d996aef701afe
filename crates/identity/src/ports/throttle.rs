//! Counters of failed log-ins.
use std::time::Duration;

use async_trait::async_trait;
use keepgate_kernel::Timestamp;
use keepgate_store::StoreError;

use crate::{Admission, Attempt, Bucket, Guard, Miss, Places};

/// Counters of failed log-ins, the same for every tenant and instance. Time is the context's. Workers only (`Forbidden`);
/// bookkeeping, so no audit entry is needed.
#[async_trait]
pub trait Throttle: Send {
    /// Asks for one attempt, and counts it on its account as failed if it is admitted. Blocked places are asked first: an attempt
    /// they refuse is not counted. Of many at once, as many are admitted as would be one after another.
    async fn admit(&mut self, attempt: &Attempt) -> Result<Admission, StoreError>;

    /// The longest block of a place, for attempts that have no account to count on; counts nothing.
    async fn blocked(&mut self, places: &Places) -> Result<Option<(Duration, Guard)>, StoreError>;

    /// Counts a wrong password on the places it came from, and says which of them are blocked now, until when.
    async fn missed(&mut self, miss: &Miss) -> Result<Vec<(Bucket, Timestamp)>, StoreError>;

    /// Forgets the failures: somebody knew the password.
    async fn forgive(&mut self, bucket: &Bucket) -> Result<(), StoreError>;

    /// Counts one event in the leaky bucket of requests for reset codes; `false` when it is full.
    async fn admit_recovery(&mut self, bucket: &Bucket) -> Result<bool, StoreError>;

    /// Drops counters without failures in a row that nobody has touched for `idle` and that block nothing, and those of accounts
    /// without a pause yet after a year; says how many. Anything more would give an attacker new guesses.
    async fn sweep_throttle(&mut self, idle: Duration) -> Result<u64, StoreError>;
}
