//! Wishes to link an account.
use std::time::Duration;

use crate::support::{Tx, account, done, provider, seeded};
use keepgate_kernel::{Level, SessionId};
use keepgate_policy::{Credential, OpContext};
use keepgate_sso::{LOGIN_LIFE, Linked, PendingLink, PendingLogin, SecretChange};
use keepgate_store::{StoreError, testing::World};

const ISSUER: &str = "https://one.example";

fn wish(world: &World<dyn Tx>, caller: &OpContext, number: u8, life: Duration) -> PendingLink {
    let Credential::Session(session) = caller.credential() else {
        panic!("people have sessions")
    };
    PendingLink {
        login: PendingLogin {
            state: [number; 32],
            binding: [number + 100; 32],
            provider: "okta".parse().unwrap(),
            issuer: ISSUER.parse().unwrap(),
            expires_at: world.now + life,
        },
        principal: caller.principal().id,
        session,
    }
}

async fn wished(world: &World<dyn Tx>, level: Level, number: u8) -> PendingLink {
    let caller = world.caller(level);
    let wish = wish(world, &caller, number, LOGIN_LIFE);
    let mut tx = world.begin(&caller).await;
    tx.open_link(&wish).await.unwrap();
    done(tx).await;
    wish
}

async fn used(world: &World<dyn Tx>, wish: &PendingLink) -> Option<PendingLink> {
    let mut tx = world.begin(&world.worker()).await;
    let used = tx.use_link(&wish.login.state, &wish.login.binding).await.unwrap();
    done(tx).await;
    used
}

async fn granted(world: &World<dyn Tx>, wish: &PendingLink, subject: &str) -> Linked {
    let mut tx = world.begin(&world.worker()).await;
    let name = format!("{subject}@example.org");
    let linked = tx.link_account(&wish.login.state, subject, &name).await.unwrap();
    done(tx).await;
    linked
}

async fn configured(world: &World<dyn Tx>) {
    seeded(world).await;
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    let okta = provider(world, "okta", ISSUER);
    assert!(tx.put_provider(&okta, &SecretChange::Keep).await.unwrap());
    done(tx).await;
}

async fn a_wish_is_used_once_by_its_own_browser_and_granted_once(world: &World<dyn Tx>) {
    configured(world).await;
    let wish = wished(world, Level::Operator, 1).await;
    assert_eq!(granted(world, &wish, "42").await, Linked::Gone, "nobody has come back");
    let mut foreign = wish.clone();
    foreign.login.binding = [9; 32];
    assert_eq!(used(world, &foreign).await, None, "another browser");
    let found = used(world, &wish).await.unwrap();
    assert_eq!((found.principal, found.session), (wish.principal, wish.session));
    assert_eq!(found.login.issuer, wish.login.issuer);
    assert_eq!(used(world, &wish).await, None);
    assert_eq!(granted(world, &wish, "42").await, Linked::Done);
    assert_eq!(granted(world, &wish, "43").await, Linked::Gone);
    let mut tx = world.begin(&world.worker()).await;
    let linked = tx.account_of_subject(&wish.login.issuer, "42").await.unwrap().unwrap();
    assert_eq!((linked.of.principal, linked.of.provisioned), (wish.principal, false));
}

async fn an_account_is_linked_to_one_person_and_a_person_to_one_account(world: &World<dyn Tx>) {
    configured(world).await;
    let first = wished(world, Level::Operator, 1).await;
    used(world, &first).await.unwrap();
    assert_eq!(granted(world, &first, "42").await, Linked::Done);
    let other = wished(world, Level::Supervisor, 2).await;
    used(world, &other).await.unwrap();
    assert_eq!(granted(world, &other, "42").await, Linked::Taken, "another person");
    let again = wished(world, Level::Operator, 3).await;
    used(world, &again).await.unwrap();
    assert_eq!(granted(world, &again, "77").await, Linked::Taken, "another account");
    let mut tx = world.begin(&world.worker()).await;
    let linked = tx.account_of_subject(&first.login.issuer, "42").await.unwrap().unwrap();
    assert_eq!(linked.of.principal, first.principal);
    assert!(
        tx.account_of_subject(&first.login.issuer, "77")
            .await
            .unwrap()
            .is_none()
    );
}

async fn people_wish_for_themselves_up_to_level_four(world: &World<dyn Tx>) {
    configured(world).await;
    for level in [Level::TenantOwner, Level::PlatformOperator, Level::GlobalAdmin] {
        let caller = world.caller(level);
        let mut tx = world.begin(&caller).await;
        let refused = tx.open_link(&wish(world, &caller, 1, LOGIN_LIFE)).await;
        assert!(matches!(refused, Err(StoreError::Forbidden)), "{level}");
    }
    let (caller, other) = (world.caller(Level::Operator), world.caller(Level::FieldAgent));
    let mut tx = world.begin(&caller).await;
    let refused = tx.open_link(&wish(world, &other, 1, LOGIN_LIFE)).await;
    assert!(matches!(refused, Err(StoreError::Forbidden)), "for somebody else");
    let mut tx = world.begin(&caller).await;
    let seen = tx.use_link(&[1; 32], &[101; 32]).await;
    assert!(matches!(seen, Err(StoreError::Forbidden)), "only the log-in's worker");
    let mut tx = world.begin(&world.worker()).await;
    let refused = tx.open_link(&wish(world, &caller, 1, LOGIN_LIFE)).await;
    assert!(matches!(refused, Err(StoreError::Forbidden)), "a worker wishes nothing");
}

async fn a_wish_ends_with_its_time(world: &World<dyn Tx>) {
    configured(world).await;
    let caller = world.caller(Level::Operator);
    let mut late = wish(world, &caller, 1, LOGIN_LIFE);
    late.login.expires_at = world.now - Duration::from_secs(1);
    let mut tx = world.begin(&caller).await;
    tx.open_link(&late).await.unwrap();
    done(tx).await;
    assert_eq!(used(world, &late).await, None);
    assert_eq!(granted(world, &late, "42").await, Linked::Gone);
}

/// What memory can't see: sessions are another crate's.
#[tokio::test]
async fn a_wish_ends_with_the_session_it_was_made_in_and_nobody_is_linked_without_one() {
    let db = keepgate_store::testing::TestDb::new().await;
    let world = World::<dyn Tx>::postgres_with_front(&db).await;
    configured(&world).await;
    let mut elsewhere = wish(&world, &world.caller(Level::Operator), 1, LOGIN_LIFE);
    elsewhere.session = SessionId::new(world.now);
    let mut tx = world.begin(&world.caller(Level::Operator)).await;
    tx.open_link(&elsewhere).await.unwrap();
    done(tx).await;
    used(&world, &elsewhere).await.unwrap();
    assert_eq!(granted(&world, &elsewhere, "42").await, Linked::Gone, "no such session");
    let mut unwished = account(&world, &ISSUER.parse().unwrap(), "42");
    unwished.principal = world.caller(Level::Operator).principal().id;
    let mut tx = world.begin(&world.worker()).await;
    assert!(matches!(tx.add_account(&unwished).await, Err(StoreError::Forbidden)));
    db.drop().await;
}

crate::support::cases!(postgres_with_front:
    a_wish_is_used_once_by_its_own_browser_and_granted_once,
    an_account_is_linked_to_one_person_and_a_person_to_one_account,
    people_wish_for_themselves_up_to_level_four,
    a_wish_ends_with_its_time,
);
