//! Counters of failed log-ins.
use std::time::Duration;

use keepgate_identity::{Admission, Bucket, BucketKey};
use keepgate_kernel::{Level, RequestId};
use keepgate_policy::OpContext;
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, cases, done_unmarked, worker};

fn bucket(name: &str) -> Bucket {
    BucketKey::new(&[1; 32]).login(name)
}

async fn attempt(world: &World<dyn Tx>, name: &str) -> Admission {
    let mut tx = world.begin(&worker(world, world.ids.platform)).await;
    let admission = tx.admit(&bucket(name)).await.unwrap();
    done_unmarked(tx).await.expect("counting needs no audit entry");
    admission
}

async fn five_are_admitted_then_the_door_closes_for_half_a_minute(world: &World<dyn Tx>) {
    for _ in 0..5 {
        assert_eq!(attempt(world, "ann").await, Admission::Admitted);
    }
    let Admission::Locked(wait) = attempt(world, "ann").await else {
        panic!("the sixth is refused")
    };
    assert!(
        wait > Duration::from_secs(25) && wait <= Duration::from_secs(30),
        "{wait:?}"
    );
    assert!(
        matches!(attempt(world, "ann").await, Admission::Locked(_)),
        "a refusal is not counted"
    );
    assert_eq!(
        attempt(world, "bob").await,
        Admission::Admitted,
        "others are not affected"
    );
}

async fn success_forgets_the_failures(world: &World<dyn Tx>) {
    for _ in 0..5 {
        attempt(world, "ann").await;
    }
    // Any tenant's worker: the log-in's own transaction forgives.
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    tx.forgive(&bucket("ann")).await.unwrap();
    done_unmarked(tx).await.unwrap();
    for _ in 0..5 {
        assert_eq!(attempt(world, "ann").await, Admission::Admitted);
    }
}

async fn of_twenty_at_once_five_are_admitted(world: &World<dyn Tx>) {
    let racers: Vec<_> = (0..20)
        .map(|_| {
            let (store, context) = (world.store(), worker(world, world.ids.platform));
            tokio::spawn(async move {
                loop {
                    let mut tx = store.begin(&context).await.unwrap();
                    let admission = tx.admit(&bucket("ann")).await.unwrap();
                    match done_unmarked(tx).await {
                        Ok(()) => return admission == Admission::Admitted,
                        Err(StoreError::Conflict) => tokio::task::yield_now().await,
                        Err(other) => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    let mut admitted = 0;
    for racer in racers {
        admitted += u32::from(racer.await.unwrap());
    }
    assert_eq!(admitted, 5);
}

async fn only_workers_count(world: &World<dyn Tx>) {
    for level in Level::ALL {
        let mut tx = world.begin(&world.caller(level)).await;
        assert!(
            matches!(tx.admit(&bucket("ann")).await, Err(StoreError::Forbidden)),
            "{level}"
        );
        let mut tx = world.begin(&world.caller(level)).await;
        assert!(
            matches!(tx.forgive(&bucket("ann")).await, Err(StoreError::Forbidden)),
            "{level}"
        );
    }
}

async fn sweeping_takes_what_is_idle_and_leaves_what_is_fresh_or_locks(world: &World<dyn Tx>) {
    attempt(world, "ann").await;
    for _ in 0..5 {
        attempt(world, "bob").await;
    }
    let later = world.now + chrono::TimeDelta::seconds(1);
    let context = OpContext::system(world.ids.platform, RequestId::new(later), later);
    let mut tx = world.begin(&context).await;
    assert_eq!(tx.sweep_throttle(Duration::from_secs(3600)).await.unwrap(), 0);
    assert_eq!(tx.sweep_throttle(Duration::ZERO).await.unwrap(), 1, "bob is locked");
}

cases!(
    five_are_admitted_then_the_door_closes_for_half_a_minute,
    success_forgets_the_failures,
    of_twenty_at_once_five_are_admitted,
    only_workers_count,
    sweeping_takes_what_is_idle_and_leaves_what_is_fresh_or_locks,
);
