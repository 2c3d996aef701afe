//! The life of the keys that sign tokens.
use keepgate_identity::{
    FirstSigningKey, KeyState, ListSigningKeys, NewSigningKey, Revoke, RevokeError, Revoked, RotateSigningKeys,
    RotateSigningKeysError, SealedSeed, SigningKey, Target, kid_of,
};
use keepgate_kernel::Level;
use keepgate_policy::OpContext;
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, cases, perform, worker};

fn new(byte: u8) -> NewSigningKey {
    let public = [byte; 32];
    NewSigningKey {
        kid: kid_of(&public),
        public,
        seed: SealedSeed {
            kek: "0123456789abcdef".into(),
            bytes: vec![byte; 60],
        },
    }
}

fn admin(world: &World<dyn Tx>) -> OpContext {
    world.caller(Level::GlobalAdmin)
}

fn platform_worker(world: &World<dyn Tx>) -> OpContext {
    worker(world, world.ids.platform)
}

async fn first(world: &World<dyn Tx>) -> Vec<SigningKey> {
    let first = FirstSigningKey {
        fresh: new(1),
        former: new(2),
    };
    perform(world, &platform_worker(world), &first).await.unwrap()
}

async fn keys(world: &World<dyn Tx>) -> Vec<SigningKey> {
    world.begin(&platform_worker(world)).await.signing_keys().await.unwrap()
}

async fn rotate(world: &World<dyn Tx>, byte: u8, emergency: bool) -> Result<Vec<SigningKey>, RotateSigningKeysError> {
    let command = RotateSigningKeys {
        fresh: new(byte),
        emergency,
    };
    perform(world, &admin(world), &command).await
}

/// Each key's first byte and state.
fn states(world: &World<dyn Tx>, keys: &[SigningKey]) -> Vec<(u8, KeyState)> {
    let at = world.now + chrono::TimeDelta::minutes(1);
    let mut states: Vec<_> = keys.iter().map(|key| (key.public[0], key.state(at))).collect();
    states.sort_by_key(|(byte, _)| *byte);
    states
}

async fn the_first_key_is_the_one_that_people_logged_in_with_and_comes_once(world: &World<dyn Tx>) {
    let made = first(world).await;
    assert_eq!(states(world, &made), [(2, KeyState::Active)], "the cast has sessions");
    assert_eq!(states(world, &first(world).await), [(2, KeyState::Active)]);
    assert!(made[0].seed.is_some());
}

async fn seeds_are_for_the_worker_and_states_for_the_platform_only(world: &World<dyn Tx>) {
    first(world).await;
    for level in [Level::GlobalAdmin, Level::PlatformOperator] {
        let shown = perform(world, &world.caller(level), &ListSigningKeys).await.unwrap();
        assert_eq!((shown.len(), &shown[0].seed), (1, &None));
    }
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    assert!(tx.signing_keys().await.unwrap().is_empty());
    let mut tx = world.begin(&world.worker()).await;
    assert!(tx.signing_keys().await.unwrap().is_empty(), "another tenant's worker");
}

async fn nobody_else_makes_or_turns_keys(world: &World<dyn Tx>) {
    first(world).await;
    for who in [
        world.caller(Level::PlatformOperator),
        world.caller(Level::TenantOwner),
        platform_worker(world),
    ] {
        let mut tx = world.begin(&who).await;
        assert!(matches!(
            tx.add_signing_key(&new(3), false).await,
            Err(StoreError::Forbidden)
        ));
        let mut tx = world.begin(&who).await;
        assert!(matches!(tx.turn_signing_keys(true).await, Err(StoreError::Forbidden)));
    }
}

async fn a_pending_key_waits_a_day_unless_in_an_emergency(world: &World<dyn Tx>) {
    first(world).await;
    let published = rotate(world, 3, false).await.unwrap();
    assert_eq!(
        states(world, &published),
        [(2, KeyState::Active), (3, KeyState::Pending)]
    );
    assert!(matches!(
        rotate(world, 4, false).await,
        Err(RotateSigningKeysError::TooYoung)
    ));
    assert_eq!(states(world, &keys(world).await), states(world, &published));
    let turned = rotate(world, 4, true).await.unwrap();
    assert_eq!(states(world, &turned), [(2, KeyState::Retired), (3, KeyState::Active)]);
    let stored = keys(world).await;
    let retired = stored.iter().find(|key| key.public[0] == 2).unwrap();
    assert_eq!(retired.seed, None, "it can't sign any more");
}

async fn an_emergency_without_a_pending_key_makes_one_that_signs(world: &World<dyn Tx>) {
    first(world).await;
    let turned = rotate(world, 3, true).await.unwrap();
    assert_eq!(states(world, &turned), [(2, KeyState::Retired), (3, KeyState::Active)]);
}

async fn every_change_turns_the_ring(world: &World<dyn Tx>) {
    let heads = async || {
        let mut tx = world.begin(&platform_worker(world)).await;
        tx.revocations_after(0, 1000).await.unwrap()
    };
    let before = heads().await.head;
    first(world).await;
    rotate(world, 3, false).await.unwrap();
    let told = heads().await.revocations;
    let new: Vec<_> = told
        .into_iter()
        .filter(|one| one.seq > before)
        .map(|one| one.what)
        .collect();
    assert_eq!(new, [Revoked::Ring, Revoked::Ring]);
}

async fn a_revoked_key_is_gone_with_its_sessions_and_another_signs(world: &World<dyn Tx>) {
    first(world).await;
    let revoke = |byte: u8, spare: Option<u8>| Revoke {
        target: Target::Kid(new(byte).kid),
        reason: "the seed was seen".into(),
        spare: spare.map(new),
    };
    let owner = world.caller(Level::TenantOwner);
    assert!(matches!(
        perform(world, &owner, &revoke(2, Some(3))).await,
        Err(RevokeError::OutOfReach)
    ));
    assert!(matches!(
        perform(world, &admin(world), &revoke(9, Some(3))).await,
        Err(RevokeError::NotFound)
    ));
    perform(world, &admin(world), &revoke(2, Some(3))).await.unwrap();
    let after = keys(world).await;
    assert_eq!(states(world, &after), [(2, KeyState::Gone), (3, KeyState::Active)]);
    assert!(
        after
            .iter()
            .filter(|key| key.public[0] == 2)
            .all(|key| key.seed.is_none())
    );
    let mut tx = world.begin(&platform_worker(world)).await;
    let told = tx.revocations_after(0, 1000).await.unwrap().revocations;
    assert!(told.iter().any(|one| one.what == Revoked::Kid(new(2).kid)));
}

async fn a_pending_key_takes_over_from_a_revoked_one(world: &World<dyn Tx>) {
    first(world).await;
    rotate(world, 3, false).await.unwrap();
    let revoke = Revoke {
        target: Target::Kid(new(2).kid),
        reason: "the seed was seen".into(),
        spare: Some(new(4)),
    };
    perform(world, &admin(world), &revoke).await.unwrap();
    assert_eq!(
        states(world, &keys(world).await),
        [(2, KeyState::Gone), (3, KeyState::Active)]
    );
}

cases!(
    the_first_key_is_the_one_that_people_logged_in_with_and_comes_once,
    seeds_are_for_the_worker_and_states_for_the_platform_only,
    nobody_else_makes_or_turns_keys,
    a_pending_key_waits_a_day_unless_in_an_emergency,
    an_emergency_without_a_pending_key_makes_one_that_signs,
    every_change_turns_the_ring,
    a_revoked_key_is_gone_with_its_sessions_and_another_signs,
    a_pending_key_takes_over_from_a_revoked_one,
);
