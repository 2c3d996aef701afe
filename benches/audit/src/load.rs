//! Writers that wait for the disk.
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::ground::{Ground, WRITERS};
use keepgate_audit::{AuditLog, NewEntry, Told};
use keepgate_kernel::{Action, AuditId, Clock, Entity, Outcome, SystemClock};
use keepgate_store::Transaction;
use sqlx::{Postgres, postgres::PgArguments, query::Query};

/// As many as there are, one after another each, for so long; how many in all.
async fn together<F: Future<Output = ()> + Send + 'static>(
    time: Duration,
    one: impl Fn() -> F + Send + Sync + 'static,
) -> u32 {
    let (one, begun) = (Arc::new(one), Instant::now());
    let writers = (0..WRITERS).map(|_| {
        let one = one.clone();
        tokio::spawn(async move {
            let mut done = 0_u32;
            while begun.elapsed() < time {
                one().await;
                done += 1;
            }
            done
        })
    });
    let mut done = 0;
    for writer in writers.collect::<Vec<_>>() {
        done += writer.await.expect("a writer that fails ends the run");
    }
    done
}

/// What was done a second.
fn rate(done: u32, begun: Instant) -> f64 {
    f64::from(done) / begun.elapsed().as_secs_f64()
}

/// What is appended a second, until the last one has its index.
async fn numbered<F: Future<Output = ()> + Send + 'static>(
    ground: &Arc<Ground>,
    time: Duration,
    one: impl Fn(Arc<Ground>) -> F + Send + Sync + 'static,
) -> f64 {
    let (before, begun) = (ground.numbered(), Instant::now());
    let each = ground.clone();
    let done = together(time, move || one(each.clone())).await;
    ground.until_numbered(before + u64::from(done)).await;
    rate(done, begun)
}

fn insert() -> Query<'static, Postgres, PgArguments> {
    static NEXT: AtomicI64 = AtomicI64::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    sqlx::query("insert into public.bare (id, body) values ($1, $2)")
        .bind(id)
        .bind("done")
}

/// What everything is compared with.
pub async fn bare(ground: &Arc<Ground>, time: Duration) -> f64 {
    let (ground, begun) = (ground.clone(), Instant::now());
    let done = together(time, move || {
        let ground = ground.clone();
        async move {
            insert().execute(&ground.bare).await.expect("an insert");
        }
    });
    rate(done.await, begun)
}

pub fn entry() -> NewEntry {
    NewEntry {
        id: AuditId::new(SystemClock.now()),
        action: Action::MessageAccept,
        entity: Entity::collection("messages"),
        outcome: Outcome::Refused,
        reason: Some("deadline-passed".to_owned()),
        actor: None,
    }
}

/// A domain change as the doorway makes it, without its entry: begin, enter, change, commit.
pub async fn unaudited(ground: &Arc<Ground>, time: Duration) -> f64 {
    let (ground, begun) = (ground.clone(), Instant::now());
    let done = together(time, move || changed(ground.clone(), false));
    rate(done.await, begun)
}

/// The same with its entry.
pub async fn audited(ground: &Arc<Ground>, time: Duration) -> f64 {
    numbered(ground, time, |ground| changed(ground, true)).await
}

async fn changed(ground: Arc<Ground>, told: bool) {
    let mut tx = ground.store.begin(&ground.caller()).await.expect("a transaction");
    insert().execute(tx.conn()).await.expect("an insert");
    if told {
        tx.append(&entry()).await.expect("an entry");
    }
    Box::new(tx).commit().await.expect("a commit");
    ground.wake.notify_one();
}

/// Entries that stand alone, such as refusals: whoever comes while a group is written goes with the next.
pub async fn append(ground: &Arc<Ground>, time: Duration) -> f64 {
    numbered(ground, time, one).await
}

pub async fn one(ground: Arc<Ground>) {
    alone(ground, entry()).await;
}

pub async fn alone(ground: Arc<Ground>, entry: NewEntry) {
    let caller = ground.caller();
    let told = Told::by(&caller, entry, None);
    ground.journal.append(caller.tenant(), told).await.expect("an entry");
    ground.wake.notify_one();
}
