//! How good the clock is, and what entries say about it.
use keepgate_audit::{TimeQuality, clock::Attestation, operations::AttestClock};
use keepgate_kernel::{Action, RequestId, Uuid};
use keepgate_policy::{Command, OpContext};
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, admin, append, commit, done, number};

fn word(node: u128, quality: TimeQuality, bound_us: u64) -> Attestation {
    Attestation {
        node: Uuid::from_u128(node),
        quality,
        source: "kernel",
        offset_us: -3,
        bound_us,
        step_us: 0,
    }
}

fn platform(world: &World<dyn Tx>) -> OpContext {
    OpContext::system(world.ids.platform, RequestId::new(world.now), world.now)
}

async fn attest(world: &World<dyn Tx>, word: Attestation) {
    let mut tx = world.begin(&platform(world)).await;
    tx.attest(&word).await.unwrap();
    let command = AttestClock { attestation: word };
    let entity = <AttestClock as Command<dyn Tx>>::entity(&command);
    let mut entry = done(world.now, entity.as_str());
    entry.action = Action::ClockAttest;
    tx.append(&entry).await.unwrap();
    commit(tx).await.unwrap();
}

/// What an entry appended now says.
async fn said(world: &World<dyn Tx>) -> TimeQuality {
    append(world, &admin(world), &done(world.now, "thing:1")).await;
    number(world).await;
    let mut tx = world.begin(&admin(world)).await;
    let size = tx.log_info().await.unwrap().unwrap().size;
    tx.entry(size - 1).await.unwrap().unwrap().leaf.time_quality
}

pub async fn entries_say_the_best_that_was_attested_about_the_clock(world: &World<dyn Tx>) {
    assert_eq!(said(world).await, TimeQuality::Unattested);
    attest(world, word(1, TimeQuality::Unsynchronised, 16_000_000)).await;
    assert_eq!(said(world).await, TimeQuality::Unsynchronised);
    attest(world, word(2, TimeQuality::Holdover, 60_000)).await;
    assert_eq!(said(world).await, TimeQuality::Holdover);
    attest(world, word(1, TimeQuality::Synced, 50_000)).await;
    assert_eq!(
        said(world).await,
        TimeQuality::Synced,
        "one clock, and somebody knows it well"
    );
    attest(world, word(1, TimeQuality::Unsynchronised, 16_000_000)).await;
    attest(world, word(2, TimeQuality::Unsynchronised, 16_000_000)).await;
    assert_eq!(
        said(world).await,
        TimeQuality::Unsynchronised,
        "a node's former word is gone"
    );
    let mut tx = world.begin(&platform(world)).await;
    let (now, latest) = tx.clock_probe().await.unwrap();
    assert!(latest.is_some_and(|latest| latest <= now));
}

pub async fn only_the_platform_s_own_worker_attests_the_clock_and_with_an_entry(world: &World<dyn Tx>) {
    let good = || word(1, TimeQuality::Synced, 10);
    let mut tx = world.begin(&admin(world)).await;
    assert!(matches!(tx.attest(&good()).await, Err(StoreError::Forbidden)));
    drop(tx);
    let mut tx = world.begin(&platform(world)).await;
    tx.attest(&good()).await.unwrap();
    assert!(matches!(commit(tx).await, Err(StoreError::Unaudited)));
    assert_eq!(said(world).await, TimeQuality::Unattested);
}
