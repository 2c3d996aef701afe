//! Counters of failed log-ins.
use std::{net::IpAddr, time::Duration};

use chrono::TimeDelta;
use keepgate_identity::{Admission, Attempt, Bucket, BucketKey, Guard, Miss, Places};
use keepgate_kernel::{Level, RequestId};
use keepgate_policy::OpContext;
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, cases, done_unmarked, worker};

fn key() -> BucketKey {
    BucketKey::new(&[1; 32])
}

fn bucket(name: &str) -> Bucket {
    key().login(name)
}

fn places(source: &str) -> Places {
    key().places(source.parse::<IpAddr>().unwrap())
}

fn of(name: &str) -> Attempt {
    Attempt {
        account: bucket(name),
        trusted: false,
        places: Some(places("192.0.2.1")),
        repeated: false,
        strict: false,
    }
}

fn later(world: &World<dyn Tx>, seconds: i64) -> OpContext {
    let at = world.now + TimeDelta::seconds(seconds);
    OpContext::system(world.ids.platform, RequestId::new(at), at)
}

async fn ask(world: &World<dyn Tx>, attempt: &Attempt, seconds: i64) -> Admission {
    let mut tx = world.begin(&later(world, seconds)).await;
    let admission = tx.admit(attempt).await.unwrap();
    done_unmarked(tx).await.expect("counting needs no audit entry");
    admission
}

async fn attempt(world: &World<dyn Tx>, name: &str) -> Admission {
    ask(world, &of(name), 0).await
}

async fn miss(world: &World<dyn Tx>, name: &str, source: &str, seconds: i64) -> usize {
    let mut tx = world.begin(&later(world, seconds)).await;
    let miss = Miss {
        account: bucket(name),
        places: places(source),
    };
    let blocks = tx.missed(&miss).await.unwrap();
    done_unmarked(tx).await.expect("counting needs no audit entry");
    blocks.len()
}

async fn five_are_admitted_then_the_door_closes_for_half_a_minute(world: &World<dyn Tx>) {
    for _ in 0..5 {
        assert_eq!(attempt(world, "ann").await, Admission::Admitted);
    }
    let half = Admission::Locked(Duration::from_secs(30), Guard::Untrusted);
    assert_eq!(attempt(world, "ann").await, half, "the sixth is refused");
    assert_eq!(attempt(world, "ann").await, half, "a refusal is not counted");
    assert_eq!(
        attempt(world, "bob").await,
        Admission::Admitted,
        "others are not affected"
    );
    assert_eq!(ask(world, &of("ann"), 30).await, Admission::Admitted);
    assert_eq!(
        ask(world, &of("ann"), 30).await,
        Admission::Locked(Duration::from_secs(60), Guard::Untrusted)
    );
}

async fn a_trusted_client_has_ten_free_and_a_counter_of_its_own(world: &World<dyn Tx>) {
    let trusted = Attempt {
        account: bucket("a browser"),
        trusted: true,
        places: None,
        ..of("ann")
    };
    for _ in 0..6 {
        attempt(world, "ann").await;
    }
    for _ in 0..11 {
        assert_eq!(ask(world, &trusted, 0).await, Admission::Admitted);
    }
    assert_eq!(
        ask(world, &trusted, 0).await,
        Admission::Locked(Duration::from_secs(30), Guard::Trusted)
    );
}

async fn at_a_hundred_the_path_closes_until_somebody_knows_the_password(world: &World<dyn Tx>) {
    for nth in 0..100 {
        assert_eq!(ask(world, &of("ann"), nth * 3601).await, Admission::Admitted, "{nth}");
    }
    let year = 365 * 86_400;
    assert_eq!(ask(world, &of("ann"), year).await, Admission::Closed(Guard::Untrusted));
    let mut tx = world.begin(&later(world, year)).await;
    assert_eq!(tx.sweep_throttle(Duration::ZERO).await.unwrap(), 0, "it is never swept");
    done_unmarked(tx).await.unwrap();
    assert_eq!(ask(world, &of("ann"), year).await, Admission::Closed(Guard::Untrusted));
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    tx.forgive(&bucket("ann")).await.unwrap();
    done_unmarked(tx).await.unwrap();
    assert_eq!(ask(world, &of("ann"), year).await, Admission::Admitted);
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
                    let admission = tx.admit(&of("ann")).await.unwrap();
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

async fn a_full_address_is_blocked_for_every_account_and_on_every_instance(world: &World<dyn Tx>) {
    for nth in 0..9 {
        assert_eq!(miss(world, &format!("user{nth}"), "192.0.2.1", 0).await, 0);
    }
    assert_eq!(attempt(world, "ann").await, Admission::Admitted);
    assert_eq!(miss(world, "user9", "192.0.2.1", 0).await, 1, "the block is told");
    let blocked = Admission::Locked(Duration::from_mins(15), Guard::Address);
    assert_eq!(attempt(world, "ann").await, blocked);
    assert_eq!(attempt(world, "nobody").await, blocked);
    let elsewhere = Attempt {
        places: Some(places("192.0.2.2")),
        ..of("ann")
    };
    assert_eq!(ask(world, &elsewhere, 0).await, Admission::Admitted);
    let own = Attempt {
        places: None,
        trusted: true,
        ..of("a browser")
    };
    assert_eq!(
        ask(world, &own, 0).await,
        Admission::Admitted,
        "a known browser shares no fate"
    );
    assert_eq!(ask(world, &of("ann"), 901).await, Admission::Admitted);
}

async fn sixty_failures_block_a_network_and_sixty_accounts_are_spraying(world: &World<dyn Tx>) {
    for nth in 0..60 {
        miss(world, "ann", &format!("192.0.2.{nth}"), 0).await;
    }
    let from = |source: &str| Attempt {
        places: Some(places(source)),
        ..of("bob")
    };
    assert_eq!(
        ask(world, &from("192.0.2.200"), 0).await,
        Admission::Locked(Duration::from_hours(1), Guard::Network)
    );
    assert_eq!(ask(world, &from("192.0.3.200"), 0).await, Admission::Admitted);
    for nth in 0..20 {
        miss(world, &format!("user{nth}"), "198.51.100.1", nth * 29).await;
    }
    assert!(matches!(
        ask(world, &from("198.51.100.1"), 600).await,
        Admission::Locked(_, Guard::Spraying)
    ));
}

async fn only_workers_count(world: &World<dyn Tx>) {
    for level in Level::ALL {
        let mut tx = world.begin(&world.caller(level)).await;
        assert!(
            matches!(tx.admit(&of("ann")).await, Err(StoreError::Forbidden)),
            "{level}"
        );
        let mut tx = world.begin(&world.caller(level)).await;
        assert!(
            matches!(tx.forgive(&bucket("ann")).await, Err(StoreError::Forbidden)),
            "{level}"
        );
    }
}

async fn three_requests_for_a_code_are_acted_on_then_pauses_double(world: &World<dyn Tx>) {
    let recovery = key().recovery("ann");
    let mut acted = 0;
    for minute in 0..180 {
        let mut tx = world.begin(&later(world, minute * 60)).await;
        acted += u32::from(tx.admit_recovery(&recovery).await.unwrap());
        done_unmarked(tx).await.unwrap();
    }
    assert_eq!(acted, 6, "three, an hour's pause, three, two hours' pause");
}

async fn sweeping_takes_what_is_idle_and_leaves_what_gives_an_attacker_new_guesses(world: &World<dyn Tx>) {
    attempt(world, "ann").await;
    for _ in 0..5 {
        attempt(world, "bob").await;
    }
    miss(world, "ann", "192.0.2.1", 0).await;
    let sweep = async |seconds: i64| {
        let mut tx = world.begin(&later(world, seconds)).await;
        let swept = tx.sweep_throttle(Duration::from_hours(24)).await.unwrap();
        done_unmarked(tx).await.unwrap();
        swept
    };
    assert_eq!(sweep(3600).await, 0);
    assert_eq!(sweep(86_401).await, 4, "the places of one failure");
    assert_eq!(sweep(366 * 86_400).await, 1, "one failure a year ago; five stay");
}

cases!(
    five_are_admitted_then_the_door_closes_for_half_a_minute,
    a_trusted_client_has_ten_free_and_a_counter_of_its_own,
    at_a_hundred_the_path_closes_until_somebody_knows_the_password,
    success_forgets_the_failures,
    of_twenty_at_once_five_are_admitted,
    a_full_address_is_blocked_for_every_account_and_on_every_instance,
    sixty_failures_block_a_network_and_sixty_accounts_are_spraying,
    only_workers_count,
    three_requests_for_a_code_are_acted_on_then_pauses_double,
    sweeping_takes_what_is_idle_and_leaves_what_gives_an_attacker_new_guesses,
);
