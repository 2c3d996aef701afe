//! Deliveries and who works on them.
use async_trait::async_trait;
use keepgate_kernel::{MessageId, Timestamp};
use keepgate_store::StoreError;

use crate::types::{Held, Leased, WorkerId};

/// What becomes of the lease when a delivery is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Its holder goes on: nobody else takes the delivery before the lease runs out.
    Lease,
    /// Nobody holds it: it may be taken when it is due.
    Nothing,
}

/// The deliveries of a tenant, as work. Leasing and releasing leave no trace in the audit log; saving where a delivery
/// stands does. Ending a delivery is open to people as well (an addressed principal or level 2 and above acknowledges, level
/// 2 and above cancels); everything else is the worker's.
#[async_trait]
pub trait Outbox: Send {
    /// Leases up to `limit` deliveries that are due at `now` to `worker` until `until`, the longest waiting first, skipping
    /// rows that another transaction holds. A lease that has run out may be taken again with a higher token; every later
    /// write names its token and is refused ([`StoreError::Conflict`]) when a newer one exists. A delivery that ended while
    /// a call was under way comes once more, when that lease has run out, so that the call's attempt can be settled.
    async fn lease_due(
        &mut self,
        worker: &WorkerId,
        limit: u16,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Leased>, StoreError>;

    /// Locks the delivery and reads it anew, for the holder of `token`. [`StoreError::Conflict`] when a newer token exists,
    /// or there is no such delivery.
    async fn hold(&mut self, message: MessageId, token: i64) -> Result<Held, StoreError>;

    /// Locks the delivery and reads it anew, for somebody without a lease. `None` if there is none to see.
    async fn lock(&mut self, message: MessageId) -> Result<Option<Held>, StoreError>;

    /// Saves `held.delivery` and `held.ack` of a delivery that this transaction has locked. Without a lease to keep, it can be
    /// taken when it is due; an ended one never again, unless a call is under way. [`StoreError::Forbidden`] when it had ended
    /// before, would go back, or the caller may not end it so.
    async fn save(&mut self, held: &Held, keep: Keep, now: Timestamp) -> Result<(), StoreError>;

    /// Gives the lease up without having done anything; the delivery can be taken at `due`. [`StoreError::Conflict`] as for
    /// [`Self::hold`].
    async fn release(&mut self, message: MessageId, token: i64, due: Timestamp) -> Result<(), StoreError>;
}
