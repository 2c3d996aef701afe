//! Entries that stand alone, in groups.
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use keepgate_audit::{
    Receipt, Told,
    journal::{Groups, Journal, Lane},
};
use keepgate_kernel::{Clock, SystemClock, TenantId};
use keepgate_policy::OpContext;
use keepgate_store::{
    StoreError,
    testing::{TestDb, World},
};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::support::{Tx, done, drain, integrator_of, refused};

/// Groups that are written when the test says so.
#[derive(Clone)]
struct Slow {
    permits: Arc<Semaphore>,
    sizes: Arc<Mutex<Vec<(TenantId, usize)>>>,
    opened: Arc<AtomicUsize>,
    fails: Option<fn() -> StoreError>,
}

impl Slow {
    fn new(permits: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(permits)),
            sizes: Arc::default(),
            opened: Arc::default(),
            fails: None,
        }
    }

    fn sizes(&self) -> Vec<usize> {
        self.sizes.lock().unwrap().iter().map(|(_, size)| *size).collect()
    }
}

#[async_trait]
impl Groups for Slow {
    async fn open(&self) -> Result<Box<dyn Lane>, StoreError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl Lane for Slow {
    async fn write(&mut self, tenant: TenantId, told: &[Told]) -> Result<Vec<Receipt>, StoreError> {
        self.sizes.lock().unwrap().push((tenant, told.len()));
        self.permits.acquire().await.unwrap().forget();
        if let Some(fails) = self.fails {
            return Err(fails());
        }
        let now = SystemClock.now();
        let receipt = |_: &Told| Receipt {
            entry: keepgate_kernel::AuditId::new(now),
            recorded_at: now,
            leaf_hash: [0; 32],
        };
        Ok(told.iter().map(receipt).collect())
    }
}

fn worker() -> OpContext {
    let now = SystemClock.now();
    OpContext::system(TenantId::new(now), keepgate_kernel::RequestId::new(now), now)
}

fn write(journal: &Journal, context: &OpContext, many: usize) -> JoinSet<Result<Receipt, StoreError>> {
    let mut writers = JoinSet::new();
    for _ in 0..many {
        let (journal, context) = (journal.clone(), context.clone());
        let told = Told::by(&context, refused(context.at(), "x", "no"), None);
        writers.spawn(async move { journal.append(context.tenant(), told).await });
    }
    writers
}

async fn until(reached: impl Fn() -> bool) {
    while !reached() {
        tokio::task::yield_now().await;
    }
}

/// The lane at work on one entry that is not let through yet.
async fn busy(journal: &Journal, slow: &Slow, context: &OpContext) -> JoinSet<Result<Receipt, StoreError>> {
    let one = write(journal, context, 1);
    until(|| slow.sizes().len() == 1).await;
    one
}

#[tokio::test]
async fn what_comes_while_a_group_is_written_goes_as_one() {
    let slow = Slow::new(0);
    let (journal, context) = (Journal::new(slow.clone()), worker());
    let first = busy(&journal, &slow, &context).await;
    let more = write(&journal, &context, 98);
    until(|| journal.waiting(context.tenant()) == 98).await;
    slow.permits.add_permits(10);
    assert!(
        first
            .join_all()
            .await
            .iter()
            .chain(&more.join_all().await)
            .all(Result::is_ok)
    );
    assert_eq!(slow.sizes(), [1, 98]);
    assert_eq!(slow.opened.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn one_tenant_s_entries_wait_for_no_other_s() {
    let slow = Slow::new(0);
    let journal = Journal::new(slow.clone());
    let (one, other) = (worker(), worker());
    let held = busy(&journal, &slow, &one).await;
    let free = write(&journal, &other, 1);
    until(|| {
        slow.sizes
            .lock()
            .unwrap()
            .iter()
            .any(|(tenant, _)| *tenant == other.tenant())
    })
    .await;
    slow.permits.add_permits(10);
    assert!(
        free.join_all()
            .await
            .iter()
            .chain(&held.join_all().await)
            .all(Result::is_ok)
    );
}

#[tokio::test]
async fn a_group_that_fails_fails_for_each_and_the_next_one_goes_on() {
    let mut slow = Slow::new(100);
    slow.fails = Some(|| StoreError::Revoked);
    let context = worker();
    let outcomes = write(&Journal::new(slow.clone()), &context, 20).join_all().await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Err(StoreError::Revoked))),
        "{outcomes:?}"
    );
    // Unknown whether it was written: never tried twice.
    slow.fails = Some(|| StoreError::Unavailable("gone".into()));
    slow.sizes.lock().unwrap().clear();
    let outcomes = write(&Journal::new(slow.clone()), &context, 20).join_all().await;
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Err(StoreError::Unavailable(_))))
    );
    assert_eq!(slow.sizes().iter().sum::<usize>(), 20);
    slow.fails = Some(|| StoreError::Conflict);
    slow.sizes.lock().unwrap().clear();
    let outcomes = write(&Journal::new(slow.clone()), &context, 1).join_all().await;
    assert!(matches!(outcomes[0], Err(StoreError::Conflict)) && slow.sizes().len() > 3);
}

/// A defect below must not leave the next writers waiting for ever.
#[tokio::test]
async fn a_lane_that_breaks_down_is_replaced() {
    let mut slow = Slow::new(100);
    slow.fails = Some(|| panic!("a defect"));
    let (journal, context) = (Journal::new(slow), worker());
    for _ in 0..2 {
        let outcomes = write(&journal, &context, 1).join_all().await;
        assert!(matches!(outcomes[0], Err(StoreError::Unavailable(_))), "{outcomes:?}");
    }
}

#[tokio::test]
async fn a_bad_entry_is_refused_alone() {
    let slow = Slow::new(100);
    let (journal, context) = (Journal::new(slow.clone()), worker());
    let bad = Told::by(&context, refused(context.at(), "x", "Not a word"), None);
    let outcome = journal.append(context.tenant(), bad).await;
    assert!(matches!(outcome, Err(StoreError::Forbidden)) && slow.sizes().is_empty());
}

#[tokio::test]
async fn an_entry_is_written_though_its_writer_stops_waiting() {
    let slow = Slow::new(0);
    let (journal, context) = (Journal::new(slow.clone()), worker());
    let first = busy(&journal, &slow, &context).await;
    let mut writers = write(&journal, &context, 1);
    until(|| journal.waiting(context.tenant()) == 1).await;
    writers.abort_all();
    while writers.join_next().await.is_some() {}
    slow.permits.add_permits(10);
    until(|| slow.sizes().iter().sum::<usize>() == 2).await;
    drop(first);
}

#[tokio::test]
async fn forty_writers_over_postgres_lose_and_double_nothing() {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres(&db).await;
    let journal = Journal::new(db.store());
    let mut writers = JoinSet::new();
    for n in 0..40 {
        let (journal, context) = (journal.clone(), world.caller(keepgate_kernel::Level::Operator));
        writers.spawn(async move {
            for k in 0..10 {
                let told = Told::by(&context, done(context.at(), &format!("{n}:{k}")), None);
                journal.append(context.tenant(), told).await.unwrap();
            }
        });
    }
    tokio::time::timeout(Duration::from_secs(60), writers.join_all())
        .await
        .unwrap();
    drain(&mut integrator_of(&db)).await;
    let mut admin = db.admin().await;
    let (all, distinct, last): (i64, i64, i64) = sqlx::query_as(
        "select count(*), count(distinct e.entity), max(l.idx) from audit.leaf l join audit.entry e on e.id = l.entry_id",
    )
    .fetch_one(&mut admin)
    .await
    .unwrap();
    assert_eq!((all, distinct, last), (400, 400, 399));
    drop(journal);
    db.drop().await;
}
