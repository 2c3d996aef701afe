//! Carries messages: leases due deliveries, writes intents, calls providers, records what came of it.
//!
//! Deliveries of one tenant begin one after another, in the order they fell due: that is what keeps a stream in the order of
//! acceptance. Calls to providers then run side by side.
//!
//! `kill -9` at any instant loses nothing: an intent without a result is found when its lease has run out. What is then repeated,
//! and what never, is the delivery machine's business.
mod courier;
mod lease;
mod parcel;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use keepgate_channels::{Carriers, Leased, WorkerId};
use keepgate_kernel::{RequestId, TenantId, Timestamp};
use keepgate_policy::OpContext;
use keepgate_store::StoreError;
use tokio::sync::{Notify, Semaphore, watch};

pub use courier::Outward;
pub use parcel::Parcel;

use super::Hub;
use crate::Service;

/// How many calls to providers one process makes at a time, and how many deliveries of a tenant it leases at once.
const AT_ONCE: u16 = 64;
/// How many tenants are looked at in one round.
const TENANTS: u16 = 32;
/// Wake-ups from other processes are not heard: look at least this often.
const LOOK: Duration = Duration::from_secs(1);
/// How long deliveries in hand may take when the service stops.
const DRAIN: Duration = Duration::from_secs(20);

/// The dispatcher of one process. Clones share everything.
#[derive(Clone)]
pub struct Dispatcher {
    gate: Service,
    platform: TenantId,
    hub: Hub,
    carriers: Arc<Carriers>,
    outward: Arc<dyn Outward>,
    worker: WorkerId,
    /// One permit for each call under way.
    hands: Arc<Semaphore>,
    /// Tenants whose deliveries are being begun.
    busy: Arc<Mutex<HashSet<TenantId>>>,
    /// Rung when a hand or a tenant becomes free.
    free: Arc<Notify>,
}

impl Dispatcher {
    /// A dispatcher named `worker` that reaches out through `outward`, which carries what `carriers` lists.
    #[must_use]
    pub fn new(
        gate: Service,
        platform: TenantId,
        hub: Hub,
        carriers: Carriers,
        outward: Arc<dyn Outward>,
        worker: WorkerId,
    ) -> Self {
        let hands = Arc::new(Semaphore::new(usize::from(AT_ONCE)));
        Self {
            gate,
            platform,
            hub,
            carriers: Arc::new(carriers),
            outward,
            worker,
            hands,
            busy: Arc::default(),
            free: Arc::default(),
        }
    }

    /// Works until `stop` turns true, then finishes what is in hand. Woken by commits of this process, by the next timer, and
    /// every second. A database that is away is waited for.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let bell = self.gate.committed();
        while !*stop.borrow() {
            let wait = match self.round().await {
                Ok(Some(due)) => (due - self.gate.clock().now())
                    .to_std()
                    .unwrap_or(Duration::ZERO)
                    .min(LOOK),
                Ok(None) => LOOK,
                Err(error) => {
                    tracing::warn!(error = %error, "deliveries can't be leased");
                    LOOK
                }
            };
            tokio::select! {
                () = bell.notified() => {}
                () = self.free.notified() => {}
                () = tokio::time::sleep(wait) => {}
                _ = stop.changed() => {}
            }
        }
        if tokio::time::timeout(DRAIN, self.hands.acquire_many(u32::from(AT_ONCE)))
            .await
            .is_err()
        {
            tracing::warn!("deliveries in hand were left to their leases");
        }
    }

    /// Leases what is due in tenants nobody is busy with, as far as hands are free, and starts on it. Says when to look again.
    async fn round(&self) -> Result<Option<Timestamp>, StoreError> {
        let due = self
            .gate
            .store()
            .begin(&self.worker_in(self.platform))
            .await?
            .due_tenants(TENANTS)
            .await?;
        let mut waiting = false;
        for tenant in due {
            let free = u16::try_from(self.hands.available_permits()).unwrap_or(u16::MAX);
            if free == 0 || self.is_busy(tenant) {
                waiting = true;
                continue;
            }
            let leased = match self.lease(tenant, free).await {
                // A suspended tenant's deliveries wait until it is active again.
                Err(StoreError::Revoked) => {
                    waiting = true;
                    continue;
                }
                leased => leased?,
            };
            self.begin_all(tenant, leased);
        }
        if waiting {
            return Ok(None); // a bell rings when somebody is free
        }
        self.gate
            .store()
            .begin(&self.worker_in(self.platform))
            .await?
            .next_due()
            .await
    }

    /// Begins `leased` one after another, beside the rounds.
    fn begin_all(&self, tenant: TenantId, leased: Vec<Leased>) {
        if leased.is_empty() {
            return;
        }
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant);
        let this = self.clone();
        tokio::spawn(async move {
            let _busy = Busy(&this, tenant);
            for leased in leased {
                this.carry(tenant, leased).await;
            }
        });
    }

    fn is_busy(&self, tenant: TenantId) -> bool {
        self.busy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&tenant)
    }

    fn worker_in(&self, tenant: TenantId) -> OpContext {
        let now = self.gate.clock().now();
        OpContext::system(tenant, RequestId::new(now), now)
    }
}

/// A tenant is free again however its task ends.
struct Busy<'a>(&'a Dispatcher, TenantId);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let Self(dispatcher, tenant) = self;
        dispatcher
            .busy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(tenant);
        dispatcher.free.notify_one();
    }
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher")
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}
