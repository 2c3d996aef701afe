//! Keeping the copy current.
use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use keepgate_kernel::Clock;
use keepgate_store::StoreError;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::{Revocation, RevocationMirror, RevocationView, Revoked, STALE};
/// How often the database is asked whatever happens: this is the clock of freshness.
pub const POLL: Duration = Duration::from_secs(1);
/// A reading that takes longer proves nothing: it is given up and tried again.
const PATIENCE: Duration = Duration::from_secs(2);
/// Revocations in one reading.
const BATCH: u32 = 1000;
/// How often the copy is swept.
const SWEEP: u32 = 60;

/// Some revocations, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// In the order of their numbers.
    pub revocations: Vec<Revocation>,
    /// The newest number, whether or not it is among them.
    pub head: u64,
}

/// Where revocations come from.
#[async_trait]
pub trait Feed: Send + Sync {
    /// Those after `seq`, at most `limit`, and the newest number, of one snapshot.
    ///
    /// # Errors
    /// Those of the store; nothing was learnt then.
    async fn after(&self, seq: u64, limit: u32) -> Result<Batch, StoreError>;

    /// Returns when there may be something new. Only a hint: it may never return, and it may lie.
    async fn hint(&self);

    /// Reads the keys that sign tokens again; called before a change of theirs counts as learnt.
    ///
    /// # Errors
    /// Those of the store.
    async fn ring(&self) -> Result<(), StoreError>;

    /// What has to be done now and then, after a reading with success.
    async fn upkeep(&self) {}

    /// Tells how a reading went, for metrics and the log.
    fn told(&self, _outcome: &Result<(), StoreError>) {}
}

/// Reads a [`Feed`] into a [`RevocationMirror`].
pub struct Follower<F> {
    feed: F,
    mirror: Arc<RevocationMirror>,
    clock: Arc<dyn Clock>,
    pace: Pace,
}

/// How often, and how patiently. Tests are in a hurry.
#[derive(Debug, Clone, Copy)]
struct Pace {
    poll: Duration,
    patience: Duration,
}

impl<F: Feed> Follower<F> {
    /// Follows `feed`; `clock` says what has ended.
    pub const fn new(feed: F, mirror: Arc<RevocationMirror>, clock: Arc<dyn Clock>) -> Self {
        let pace = Pace {
            poll: POLL,
            patience: PATIENCE,
        };
        Self {
            feed,
            mirror,
            clock,
            pace,
        }
    }

    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        timeout(self.pace.patience, asked)
            .await
            .map_err(|late| StoreError::Unavailable(Box::new(late)))?
    }

    /// Learns everything there is to know. To be called, with success, before anything is served.
    ///
    /// # Errors
    /// Those of the store; the copy is then not fresher than before.
    pub async fn catch_up(&self) -> Result<(), StoreError> {
        loop {
            let as_of = Instant::now();
            let known = self.mirror.seq();
            let batch = self.in_time(self.feed.after(known, BATCH)).await?;
            if batch.head < known {
                tracing::warn!(
                    known,
                    head = batch.head,
                    "the database went back in time; revocations are read anew"
                );
                self.mirror.forget();
                self.in_time(self.feed.ring()).await?;
                continue;
            }
            let last = batch.revocations.last().map_or(batch.head, |last| last.seq);
            let whole = batch.revocations.len() < BATCH as usize || last == batch.head;
            if batch.revocations.iter().any(|one| turns_the_ring(&one.what)) {
                self.in_time(self.feed.ring()).await?;
            }
            if whole {
                self.mirror.learn(&batch.revocations, batch.head, as_of);
                return Ok(());
            }
            // Not everything yet: what is known grows, how fresh it is does not.
            self.mirror.grow(&batch.revocations, last);
        }
    }

    /// Follows until `stop`: at every hint, and every [`POLL`] without one.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut tick = interval(self.pace.poll);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticks = 0u32;
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = self.feed.hint() => {}
                _ = tick.tick() => {
                    ticks = ticks.wrapping_add(1);
                    if ticks.is_multiple_of(SWEEP) {
                        self.mirror.sweep(self.clock.now());
                    }
                }
            }
            let outcome = tokio::select! {
                () = &mut stop => return,
                outcome = self.catch_up() => outcome,
            };
            self.feed.told(&outcome);
            if outcome.is_ok() {
                self.feed.upkeep().await;
            }
        }
    }
}

impl<F> std::fmt::Debug for Follower<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower")
            .field("mirror", &self.mirror)
            .finish_non_exhaustive()
    }
}

const fn turns_the_ring(what: &Revoked) -> bool {
    matches!(what, Revoked::Ring | Revoked::Kid(_))
}

const _: () = assert!(PATIENCE.as_millis() < STALE.as_millis());

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    };

    use keepgate_kernel::SystemClock;
    use tokio::sync::Notify;

    use super::*;

    /// A database that can be stopped, frozen, or restored to an earlier time.
    #[derive(Default)]
    struct Fake {
        rows: Mutex<Vec<Revocation>>,
        down: AtomicBool,
        frozen: AtomicBool,
        stuck: AtomicBool,
        rings: AtomicU32,
        bell: Notify,
    }

    impl Fake {
        fn revoke(&self, what: Revoked) {
            let mut rows = self.rows.lock().unwrap();
            let expires_at = "2099-01-01T00:00:00Z".parse().unwrap();
            let seq = rows.len() as u64 + 1;
            rows.push(Revocation { seq, what, expires_at });
        }
    }

    #[async_trait]
    impl Feed for Arc<Fake> {
        async fn after(&self, seq: u64, limit: u32) -> Result<Batch, StoreError> {
            if self.frozen.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            if self.down.load(Ordering::SeqCst) {
                return Err(StoreError::Unavailable("down".into()));
            }
            let rows = self.rows.lock().unwrap();
            let new = rows.iter().filter(|row| row.seq > seq).take(limit as usize);
            Ok(Batch {
                revocations: new.cloned().collect(),
                head: rows.len() as u64,
            })
        }

        async fn hint(&self) {
            self.bell.notified().await;
        }

        async fn ring(&self) -> Result<(), StoreError> {
            if self.stuck.load(Ordering::SeqCst) {
                return Err(StoreError::Unavailable("down".into()));
            }
            self.rings.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }

    fn follower(fake: &Arc<Fake>, poll: Duration) -> (Follower<Arc<Fake>>, Arc<RevocationMirror>) {
        let mirror = Arc::new(RevocationMirror::new());
        let mut follower = Follower::new(fake.clone(), mirror.clone(), Arc::new(SystemClock));
        follower.pace = Pace {
            poll,
            patience: Duration::from_millis(50),
        };
        (follower, mirror)
    }

    async fn until(what: &str, holds: impl Fn() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < Duration::from_secs(10), "never came: {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_hint_is_followed_without_waiting_for_the_poll_and_a_lost_one_by_the_poll() {
        for (poll, hinted) in [(Duration::from_secs(3600), true), (SOON, false)] {
            let fake = Arc::new(Fake::default());
            let (follower, mirror) = follower(&fake, poll);
            tokio::spawn(follower.run(std::future::pending()));
            until("the first reading", || mirror.is_fresh()).await;
            let mut changes = mirror.changes();
            fake.revoke(Revoked::All);
            if hinted {
                fake.bell.notify_one();
            }
            tokio::time::timeout(Duration::from_secs(10), changes.changed())
                .await
                .unwrap()
                .unwrap();
            assert_eq!(mirror.seq(), 1);
        }
    }

    #[tokio::test]
    async fn a_view_whose_database_is_down_or_frozen_grows_old_and_recovers() {
        let fake = Arc::new(Fake::default());
        let (follower, mirror) = follower(&fake, SOON);
        tokio::spawn(follower.run(std::future::pending()));
        for fault in [&fake.down, &fake.frozen] {
            until("a reading", || mirror.age().is_some_and(|age| age < SOON)).await;
            fault.store(true, Ordering::SeqCst);
            let before = mirror.seq();
            until("age", || mirror.age().is_some_and(|age| age > SOON * 20)).await;
            fake.revoke(Revoked::All);
            assert_eq!(mirror.seq(), before);
            fault.store(false, Ordering::SeqCst);
            until("recovery", || mirror.seq() == before + 1).await;
        }
    }

    #[tokio::test]
    async fn more_than_one_reading_holds_is_learnt_before_the_view_counts_as_fresh() {
        let fake = Arc::new(Fake::default());
        (0..BATCH * 2 + 5).for_each(|_| fake.revoke(Revoked::All));
        let (follower, mirror) = follower(&fake, SOON);
        follower.catch_up().await.unwrap();
        assert!(mirror.is_fresh());
        assert_eq!(mirror.seq(), u64::from(BATCH) * 2 + 5);
    }

    #[tokio::test]
    async fn a_database_that_went_back_in_time_is_read_anew() {
        let fake = Arc::new(Fake::default());
        (0..5).for_each(|_| fake.revoke(Revoked::All));
        let (follower, mirror) = follower(&fake, SOON);
        follower.catch_up().await.unwrap();
        fake.rows.lock().unwrap().truncate(2);
        follower.catch_up().await.unwrap();
        assert_eq!((mirror.seq(), fake.rings.load(Ordering::SeqCst)), (2, 1));
    }

    #[tokio::test]
    async fn the_ring_is_read_before_its_change_counts_as_known() {
        let fake = Arc::new(Fake::default());
        let (follower, mirror) = follower(&fake, SOON);
        fake.revoke(Revoked::Session(keepgate_kernel::SessionId::new(SystemClock.now())));
        follower.catch_up().await.unwrap();
        assert_eq!(fake.rings.load(Ordering::SeqCst), 0);
        fake.revoke(Revoked::Ring);
        fake.stuck.store(true, Ordering::SeqCst);
        assert!(follower.catch_up().await.is_err());
        assert_eq!(mirror.seq(), 1, "not known before the ring turned");
        fake.stuck.store(false, Ordering::SeqCst);
        follower.catch_up().await.unwrap();
        assert_eq!((fake.rings.load(Ordering::SeqCst), mirror.seq()), (1, 2));
    }
}
