//! Codes that set a new password.
use chrono::TimeDelta;
use keepgate_identity::{CodeHash, NewReset, ResetCode};
use keepgate_kernel::{Level, ResetId};
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, cases, done, member, reaching, worker};

async fn issued(world: &World<dyn Tx>, minutes: i64) -> CodeHash {
    let hash = ResetCode::random().unwrap().hash();
    let new = NewReset {
        id: ResetId::new(world.now),
        principal: member(world, Level::Operator),
        hash,
        expires_at: world.now + TimeDelta::minutes(minutes),
    };
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    tx.add_reset(&new).await.unwrap();
    done(tx).await;
    hash
}

async fn a_code_is_found_at_home_and_used_once(world: &World<dyn Tx>) {
    let (hash, id) = (issued(world, 20).await, member(world, Level::Operator));
    let mut tx = world.begin(&worker(world, world.ids.platform)).await;
    assert_eq!(tx.home_of_reset(&hash).await.unwrap(), Some(world.ids.tenant));
    assert_eq!(tx.reset_holder(&hash).await.unwrap(), None, "elsewhere it is nobody's");
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert_eq!(tx.reset_holder(&hash).await.unwrap(), Some(id));
    assert_eq!(tx.use_reset(&hash).await.unwrap(), Some(id));
    assert_eq!(tx.use_reset(&hash).await.unwrap(), None);
    done(tx).await;
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert_eq!(tx.reset_holder(&hash).await.unwrap(), None);
}

async fn an_expired_one_a_replaced_one_and_a_disabled_owner_s_are_nobody_s(world: &World<dyn Tx>) {
    let (late, old) = (issued(world, -1).await, issued(world, 20).await);
    let new = issued(world, 20).await;
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert_eq!(tx.use_reset(&late).await.unwrap(), None);
    assert_eq!(tx.use_reset(&old).await.unwrap(), None, "a newer one took its place");
    assert!(tx.reset_holder(&new).await.unwrap().is_some());
    drop(tx);
    let admin = world.caller(Level::TenantAdmin);
    let mut tx = world.begin(&admin).await;
    let reached = reaching(&admin, member(world, Level::Operator));
    tx.set_principal_active(&reached, false).await.unwrap();
    done(tx).await;
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert_eq!(tx.use_reset(&new).await.unwrap(), None);
}

async fn only_workers_see_and_use_them(world: &World<dyn Tx>) {
    let hash = issued(world, 20).await;
    for level in Level::ALL {
        let mut tx = world.begin(&world.caller(level)).await;
        assert!(
            matches!(tx.use_reset(&hash).await, Err(StoreError::Forbidden)),
            "{level}"
        );
        let mut tx = world.begin(&world.caller(level)).await;
        assert!(
            matches!(tx.reset_holder(&hash).await, Err(StoreError::Forbidden)),
            "{level}"
        );
    }
}

cases!(
    a_code_is_found_at_home_and_used_once,
    an_expired_one_a_replaced_one_and_a_disabled_owner_s_are_nobody_s,
    only_workers_see_and_use_them,
);
