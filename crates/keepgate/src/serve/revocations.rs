//! How this instance learns what was revoked, and with which keys tokens are signed.
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use keepgate_api_gateway::Probe;
use keepgate_gate::{Gate, Tx};
use keepgate_identity::{Batch, Feed, Follower, RevocationMirror, RevocationView, Revocations, Tokens};
use keepgate_kernel::{RequestId, TenantId};
use keepgate_policy::OpContext;
use keepgate_store::{
    PgStore, StoreError, Transaction,
    postgres::{HintListener, Hints},
};

use super::{keys::Keys, workers::Workers};
use crate::{
    exit::Exit,
    failure::{Failure, chain},
    postgres::Databases,
};

/// One that listens, one that reads, one for the ring. Of its own: a flood of requests must not make the view old.
const POOL: u32 = 3;
/// How often a database that is busy at the start is asked, two seconds at most each time.
const FIRST_READINGS: u32 = 5;
/// How many readings are between two removals of what has ended.
const SWEEP: u32 = 600;
/// The age of the view is shown once a second.
const SHOW: Duration = Duration::from_secs(1);

/// The feed of one instance.
pub struct DatabaseFeed {
    store: PgStore,
    gate: Gate<dyn Tx>,
    tokens: Arc<Tokens>,
    platform: TenantId,
    listener: HintListener,
    readings: AtomicU32,
}

/// The view, and the ring as it is now.
pub struct Following {
    /// What is asked about credentials.
    pub mirror: Arc<RevocationMirror>,
    /// Issues and verifies tokens.
    pub tokens: Arc<Tokens>,
    /// Rung when another instance has changed something.
    pub hints: Hints,
}

/// Reads the ring and every revocation, then follows. Nothing is served before.
///
/// # Errors
/// Exit code 4 for keys that can't be opened, 3 for a database that does not answer.
pub async fn follow(
    workers: &mut Workers,
    databases: &Databases,
    keys: &Keys,
    gate: &Gate<dyn Tx>,
    platform: TenantId,
    issuer: &str,
) -> Result<Following, Failure> {
    let clock = gate.shared_clock();
    let pool = databases.doors.auth.pool(POOL);
    let store = PgStore::new(pool.clone(), keys.claims()?, clock.clone());
    let gate = gate.over(Arc::new(store.clone()));
    let ring = gate.first_signing_ring(platform, keys.former_token_key()?).await;
    let tokens = Arc::new(Tokens::new(ring.map_err(|error| no_ring(&error))?, issuer, "keepgate"));
    let mirror = Arc::new(RevocationMirror::new());
    let listener = HintListener::start(pool);
    let hints = listener.hints().clone();
    let feed = DatabaseFeed {
        store,
        gate,
        tokens: tokens.clone(),
        platform,
        listener,
        readings: AtomicU32::new(0),
    };
    let follower = Follower::new(feed, mirror.clone(), clock);
    let mut readings = 1;
    while let Err(error) = follower.catch_up().await {
        if readings == FIRST_READINGS || !matches!(error, StoreError::Unavailable(_)) {
            return Err(unread(&error));
        }
        readings += 1;
    }
    workers.start("follower of revocations", follower.run(workers.stop_signal()));
    let shown = mirror.clone();
    workers.every(SHOW, "age of the revocations", move || show(&shown));
    Ok(Following { mirror, tokens, hints })
}

fn show(mirror: &RevocationMirror) {
    let age = mirror.age().unwrap_or(Duration::MAX);
    metrics::gauge!("keepgate_revocation_view_age").set(age.as_secs_f64());
    metrics::gauge!("keepgate_revocations_known").set(f64::from(u32::try_from(mirror.len()).unwrap_or(u32::MAX)));
}

fn no_ring(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(
        Exit::KeyFile,
        "can't open the key that signs tokens",
        chain(error),
        "check that the database answers and that the key file is the one it was made with",
    )
}

fn unread(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(
        Exit::Incomplete,
        "can't read what was revoked",
        chain(error),
        "check that the database answers; nothing is served before that",
    )
}

impl DatabaseFeed {
    fn worker(&self) -> OpContext {
        let now = self.gate.clock().now();
        OpContext::system(self.platform, RequestId::new(now), now)
    }

    /// What has ended takes room and nothing else; that it can't be removed now is no failure.
    #[expect(
        clippy::disallowed_methods,
        reason = "bookkeeping: no operation of anybody, so there is no entry to write"
    )]
    async fn sweep(&self) -> Result<(), StoreError> {
        let mut tx = self.store.begin(&self.worker()).await?;
        tx.sweep_revocations().await?;
        Box::new(tx).commit().await
    }
}

#[async_trait]
impl Feed for DatabaseFeed {
    async fn after(&self, seq: u64, limit: u32) -> Result<Batch, StoreError> {
        self.store
            .begin(&self.worker())
            .await?
            .revocations_after(seq, limit)
            .await
    }

    async fn hint(&self) {
        self.listener.hints().revocations.notified().await;
    }

    async fn ring(&self) -> Result<(), StoreError> {
        self.tokens.turn(self.gate.signing_ring(self.platform).await?);
        Ok(())
    }

    async fn upkeep(&self) {
        if self.readings.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1
            && let Err(error) = self.sweep().await
        {
            tracing::warn!(%error, "revocations that have ended were not removed");
        }
    }

    fn told(&self, outcome: &Result<(), StoreError>) {
        if let Err(error) = outcome {
            metrics::counter!("keepgate_revocation_feed_failures").increment(1);
            tracing::warn!(%error, "what was revoked can't be read; credentials are looked up one by one meanwhile");
        }
    }
}

/// `/readyz`: whether the view is fresh.
pub struct RevocationFeed(pub Arc<RevocationMirror>);

impl Probe for RevocationFeed {
    fn name(&self) -> &'static str {
        "revocations"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), String>> {
        let answer = if self.0.is_fresh() {
            Ok(())
        } else {
            Err("what was revoked has not been heard for more than 3 s".to_owned())
        };
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_probe_is_red_until_the_view_is_fresh() {
        let mirror = Arc::new(RevocationMirror::new());
        let probe = RevocationFeed(mirror.clone());
        assert!(probe.check().await.is_err());
        mirror.learn(&[], 0, tokio::time::Instant::now());
        assert_eq!(probe.check().await, Ok(()));
    }
}
