//! Writers that wait for the disk.
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use keepgate_audit::{AuditLog, NewEntry, Told};
use keepgate_kernel::{Action, AuditId, Clock, Entity, Outcome, SystemClock};
use keepgate_store::Transaction;
use tokio::sync::Notify;

use crate::ground::{Ground, WRITERS};

/// As many as there are, one after another each, for so long; how many a second.
async fn together<F: Future<Output = ()> + Send + 'static>(
    time: Duration,
    one: impl Fn() -> F + Send + Sync + 'static,
) -> f64 {
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
    f64::from(done) / begun.elapsed().as_secs_f64()
}

/// What everything is compared with.
pub async fn bare(ground: &Arc<Ground>, time: Duration) -> f64 {
    static NEXT: AtomicI64 = AtomicI64::new(0);
    let ground = ground.clone();
    together(time, move || {
        let ground = ground.clone();
        async move {
            let id = NEXT.fetch_add(1, Ordering::Relaxed);
            let insert = sqlx::query("insert into public.bare (id, body) values ($1, $2)")
                .bind(id)
                .bind("done");
            insert.execute(&ground.bare).await.expect("an insert");
        }
    })
    .await
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

/// As the doorway does it: begin, enter, append, commit.
pub async fn transaction(ground: &Arc<Ground>, time: Duration, wake: &Arc<Notify>) -> f64 {
    let (ground, wake) = (ground.clone(), wake.clone());
    together(time, move || {
        let (ground, wake) = (ground.clone(), wake.clone());
        async move {
            let mut tx = ground.store.begin(&ground.caller()).await.expect("a transaction");
            tx.append(&entry()).await.expect("an entry");
            Box::new(tx).commit().await.expect("a commit");
            wake.notify_one();
        }
    })
    .await
}

/// Entries that stand alone, such as refusals: whoever comes while a group is written goes with the next.
pub async fn append(ground: &Arc<Ground>, time: Duration, wake: &Arc<Notify>) -> f64 {
    let (ground, wake) = (ground.clone(), wake.clone());
    together(time, move || one(ground.clone(), entry(), wake.clone())).await
}

pub async fn one(ground: Arc<Ground>, entry: NewEntry, wake: Arc<Notify>) {
    let caller = ground.caller();
    let told = Told::by(&caller, entry, None);
    ground.journal.append(caller.tenant(), told).await.expect("an entry");
    wake.notify_one();
}
