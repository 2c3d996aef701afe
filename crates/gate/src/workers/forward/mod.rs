//! Sends tenants' logs on to their sinks: claims a sink, sends what is next, settles how that ended.
//!
//! A claim is a row's lease with a fencing token, so of several instances one has a sink at a time, and `kill -9` at any instant loses
//! nothing: what was sent and not settled is sent again when the lease has run out, the same records under the same name.
mod gauges;
mod settle;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use keepgate_audit::sink::{Claim, Content, Parcel, Sent, Settled, decide};
use keepgate_kernel::{RequestId, SinkId, TenantId};
use keepgate_policy::OpContext;
use keepgate_store::StoreError;
use tokio::sync::{Notify, Semaphore, watch};

use self::gauges::Gauges;
use crate::{Service, SinkDesk};

/// How many receivers one process sends to at a time.
const AT_ONCE: u16 = 8;
/// Entries are signed once a second: look as often.
const LOOK: Duration = Duration::from_secs(1);
/// How long a sink in hand is nobody else's: longer than any try.
const LEASE_SECONDS: u16 = 30;
/// After so many batches it is another sink's turn.
const TURN: u32 = 20;
/// How long tries under way may take when the service stops.
const DRAIN: Duration = Duration::from_secs(20);

/// The worker of one process. Clones share everything.
#[derive(Clone)]
pub struct Forwarder {
    gate: Service,
    platform: TenantId,
    desk: SinkDesk,
    hands: Arc<Semaphore>,
    busy: Arc<Mutex<HashSet<SinkId>>>,
    free: Arc<Notify>,
    stopping: Option<watch::Receiver<bool>>,
}

impl Forwarder {
    /// A worker that sends through `desk`.
    #[must_use]
    pub fn new(gate: Service, platform: TenantId, desk: SinkDesk) -> Self {
        Self {
            gate,
            platform,
            desk,
            hands: Arc::new(Semaphore::new(usize::from(AT_ONCE))),
            busy: Arc::default(),
            free: Arc::default(),
            stopping: None,
        }
    }

    /// Works until `stop` turns true, then finishes what is in hand. A database that is away is waited for.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        self.stopping = Some(stop.clone());
        let mut gauges = Gauges::default();
        while !*stop.borrow() {
            if let Err(error) = self.round().await {
                tracing::warn!(error = %error, "sinks can't be looked for");
            }
            if let Err(error) = gauges.set(&self).await {
                tracing::debug!(error = %error, "how far sinks are behind can't be read");
            }
            tokio::select! {
                () = self.free.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
                _ = stop.changed() => {}
            }
        }
        if tokio::time::timeout(DRAIN, self.hands.acquire_many(u32::from(AT_ONCE)))
            .await
            .is_err()
        {
            tracing::warn!("sinks in hand were left to their leases");
        }
    }

    /// Takes up every sink that is due and nobody here is busy with, as far as hands are free.
    async fn round(&self) -> Result<(), StoreError> {
        let mut tx = self.gate.store().begin(&self.worker_in(self.platform)).await?;
        let due = tx.due_sinks(AT_ONCE * 4).await?;
        drop(tx);
        for (tenant, sink) in due {
            let Ok(hand) = self.hands.clone().try_acquire_owned() else {
                break;
            };
            if !self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(sink) {
                continue;
            }
            let this = self.clone();
            tokio::spawn(async move {
                let _busy = Busy(&this, sink);
                let _hand = hand;
                for _ in 0..TURN {
                    if !this.once(tenant, sink).await || this.stops() {
                        break;
                    }
                }
            });
        }
        Ok(())
    }

    fn stops(&self) -> bool {
        self.stopping.as_ref().is_some_and(|stop| *stop.borrow())
    }

    /// One batch. Whether there may be more at once.
    async fn once(&self, tenant: TenantId, sink: SinkId) -> bool {
        let claim = match self.claim(tenant, sink).await {
            Ok(Some(claim)) => claim,
            Ok(None) | Err(StoreError::Revoked) => return false, // a suspended tenant's sinks wait
            Err(error) => {
                tracing::warn!(error = %error, %sink, "a sink can't be claimed");
                return false;
            }
        };
        let sent = self.send(tenant, &claim).await;
        let outcome = match &sent {
            Sent::Accepted => "accepted",
            Sent::Rejected(_) => "rejected",
            Sent::Later { .. } => "later",
            Sent::Broken(_) => "broken",
        };
        metrics::counter!("keepgate_sink_batches", "sink" => sink.to_string(), "outcome" => outcome).increment(1);
        let settlement = decide(&claim, sent, self.gate.clock().now(), rand::random());
        let goes_on = !matches!(settlement.settled, Settled::Again { .. });
        self.settle(tenant, claim, settlement).await && goes_on
    }

    /// Leases the sink. Bookkeeping: that entries leave is what its owner asked for when the sink was made.
    #[expect(
        clippy::disallowed_methods,
        reason = "a lease is no operation of anybody, so there is no entry to write"
    )]
    async fn claim(&self, tenant: TenantId, sink: SinkId) -> Result<Option<Claim>, StoreError> {
        let mut tx = self.gate.store().begin(&self.worker_in(tenant)).await?;
        let claim = tx.claim_sink(sink, LEASE_SECONDS).await?;
        if claim.is_some() {
            tx.commit().await?;
        }
        Ok(claim)
    }

    async fn send(&self, tenant: TenantId, claim: &Claim) -> Sent {
        if claim.entries.is_empty() {
            // Nothing is left out in silence: its owner decides where to go on.
            return Sent::Broken("entry-unreadable".to_owned());
        }
        let parcel = Parcel {
            origin: claim.origin.clone(),
            format: claim.sink.config.format,
            at: self.gate.clock().now(),
            content: Content::Records(claim.entries.clone()),
        };
        self.desk
            .send(tenant, &claim.sink, claim.secret.as_ref(), &parcel)
            .await
    }

    fn worker_in(&self, tenant: TenantId) -> OpContext {
        let now = self.gate.clock().now();
        OpContext::system(tenant, RequestId::new(now), now)
    }
}

/// A sink is free again however its task ends.
struct Busy<'a>(&'a Forwarder, SinkId);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let Self(forwarder, sink) = self;
        forwarder
            .busy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(sink);
        forwarder.free.notify_one();
    }
}

impl std::fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forwarder")
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}
