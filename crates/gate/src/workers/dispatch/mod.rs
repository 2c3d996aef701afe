//! Carries messages: leases due deliveries, writes intents, calls providers, records what came of it.
//!
//! `kill -9` at any instant loses nothing: an intent without a result is found when its lease has run out. What is then repeated,
//! and what never, is the delivery machine's business.
mod courier;
mod lease;
mod parcel;

use std::{sync::Arc, time::Duration};

use keepgate_channels::{Carriers, WorkerId};
use keepgate_kernel::{RequestId, TenantId, Timestamp};
use keepgate_policy::OpContext;
use keepgate_store::StoreError;
use tokio::{
    sync::{Notify, Semaphore, watch},
    task::JoinSet,
    time::Instant,
};

pub use courier::Outward;
pub use parcel::Parcel;

use super::Hub;
use crate::Service;

/// How many deliveries one process works on at a time.
const AT_ONCE: usize = 64;
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
    hands: Arc<Semaphore>,
}

impl Dispatcher {
    /// A dispatcher named `worker` that reaches out through `outward`, which carries what `carriers` lists.
    #[must_use]
    pub fn new(gate: Service, platform: TenantId, hub: Hub, carriers: Carriers, outward: Arc<dyn Outward>, worker: WorkerId) -> Self {
        Self { gate, platform, hub, carriers: Arc::new(carriers), outward, worker, hands: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Works until `stop` turns true, then finishes what is in hand. Woken by commits of this process, by the next timer, and
    /// every second. A database that is away is waited for.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let bell = self.gate.committed();
        let mut hands = JoinSet::new();
        while !*stop.borrow() {
            let wait = match self.round(&mut hands).await {
                Ok(Some(due)) => (due - self.gate.clock().now()).to_std().unwrap_or(Duration::ZERO).min(LOOK),
                Ok(None) => LOOK,
                Err(error) => {
                    tracing::warn!(error = %error, "deliveries can't be leased");
                    LOOK
                }
            };
            while hands.try_join_next().is_some() {}
            self.rest(wait, &bell, &mut hands, &mut stop).await;
        }
        let drained = tokio::time::timeout(DRAIN, async { while hands.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            tracing::warn!("deliveries in hand were left to their leases");
        }
    }

    async fn rest(&self, wait: Duration, bell: &Notify, hands: &mut JoinSet<()>, stop: &mut watch::Receiver<bool>) {
        let until = Instant::now() + wait;
        // With no hand free, only a finished delivery helps.
        if self.hands.available_permits() == 0 {
            tokio::select! {
                _ = hands.join_next() => {}
                _ = stop.changed() => {}
            }
            return;
        }
        tokio::select! {
            () = bell.notified() => {}
            () = tokio::time::sleep_until(until) => {}
            _ = stop.changed() => {}
        }
    }

    /// Leases what is due, as far as hands are free, and starts on it. Says when to look again; a time in the past means now.
    async fn round(&self, hands: &mut JoinSet<()>) -> Result<Option<Timestamp>, StoreError> {
        let mut tx = self.gate.store().begin(&self.worker_in(self.platform)).await?;
        let tenants = tx.due_tenants(TENANTS).await?;
        drop(tx);
        for tenant in tenants {
            let free = u16::try_from(self.hands.available_permits()).unwrap_or(u16::MAX);
            if free == 0 {
                break;
            }
            // A suspended tenant's deliveries wait until it is active again.
            let leased = match self.lease(tenant, free).await {
                Err(StoreError::Revoked) => continue,
                leased => leased?,
            };
            for leased in leased {
                let Ok(hand) = self.hands.clone().acquire_owned().await else { break };
                let this = self.clone();
                hands.spawn(async move {
                    this.carry(tenant, leased).await;
                    drop(hand);
                });
            }
        }
        self.gate.store().begin(&self.worker_in(self.platform)).await?.next_due().await
    }

    fn worker_in(&self, tenant: TenantId) -> OpContext {
        let now = self.gate.clock().now();
        OpContext::system(tenant, RequestId::new(now), now)
    }
}

impl std::fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatcher").field("worker", &self.worker).finish_non_exhaustive()
    }
}
