//! Where credentials live.
use chrono::TimeDelta;
use keepgate_identity::{EnrolmentCode, NewEnrolment};
use keepgate_kernel::{EnrolmentId, KeyId, Level};
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, cases, done, member, user, worker};

async fn an_address_lives_where_its_users_do(world: &World<dyn Tx>) {
    user(world, "ann@example.org", Level::Operator).await;
    let mut tx = world.begin(&worker(world, world.ids.platform)).await;
    assert_eq!(
        tx.homes_of_email(&"ann@example.org".parse().unwrap()).await.unwrap(),
        [world.ids.tenant]
    );
    let mut both = tx
        .homes_of_email(&"operator@example.org".parse().unwrap())
        .await
        .unwrap();
    both.sort();
    let mut expected = [world.ids.tenant, world.ids.other];
    expected.sort();
    assert_eq!(both, expected);
    assert!(
        tx.homes_of_email(&"nobody@example.org".parse().unwrap())
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(tx.home_of_key(KeyId::new(world.now)).await.unwrap(), None);
}

async fn only_the_platform_s_own_worker_learns_where_anything_lives(world: &World<dyn Tx>) {
    let code = EnrolmentCode::random().unwrap();
    let mut tx = world.begin(&world.caller(Level::TenantAdmin)).await;
    let new = NewEnrolment {
        id: EnrolmentId::new(world.now),
        tenant: world.ids.tenant,
        principal: member(world, Level::Operator),
        hash: code.hash(),
        expires_at: world.now + TimeDelta::hours(1),
    };
    tx.add_enrolment(&new).await.unwrap();
    done(tx).await;
    let mut tx = world.begin(&worker(world, world.ids.platform)).await;
    assert_eq!(
        tx.home_of_enrolment(&code.hash()).await.unwrap(),
        Some(world.ids.tenant)
    );
    for level in Level::ALL {
        let mut tx = world.begin(&world.caller(level)).await;
        let asked = tx.home_of_enrolment(&code.hash()).await;
        assert!(matches!(asked, Err(StoreError::Forbidden)), "{level}");
    }
    for context in [worker(world, world.ids.tenant), worker(world, world.ids.other)] {
        let mut tx = world.begin(&context).await;
        assert!(
            tx.homes_of_email(&"operator@example.org".parse().unwrap())
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(tx.home_of_enrolment(&code.hash()).await.unwrap(), None);
    }
}

cases!(
    an_address_lives_where_its_users_do,
    only_the_platform_s_own_worker_learns_where_anything_lives
);
