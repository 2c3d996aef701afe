//! Password verifiers.
use keepgate_identity::{Email, Phc};
use keepgate_kernel::Level;
use keepgate_store::{StoreError, testing::World};

use crate::support::{PHC, Tx, cases, done, member, reaching, worker};

pub fn phc(text: &str) -> Phc {
    Phc::parse(text.into()).unwrap()
}

fn operator() -> Email {
    "operator@example.org".parse().unwrap()
}

async fn put(world: &World<dyn Tx>, text: &str) {
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    tx.put_password(member(world, Level::Operator), &phc(text))
        .await
        .unwrap();
    done(tx).await;
}

async fn a_verifier_is_found_by_address_and_by_principal_and_replaced(world: &World<dyn Tx>) {
    let id = member(world, Level::Operator);
    assert_eq!(
        world
            .begin(&worker(world, world.ids.tenant))
            .await
            .password_of_email(&operator())
            .await
            .unwrap(),
        None
    );
    for text in [PHC.to_owned(), PHC.replace("t=2", "t=3")] {
        put(world, &text).await;
        let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
        assert_eq!(tx.password_of_email(&operator()).await.unwrap(), Some((id, phc(&text))));
        assert_eq!(tx.password(id).await.unwrap(), Some(phc(&text)));
    }
}

async fn only_workers_read_and_write_verifiers_and_only_of_their_tenant(world: &World<dyn Tx>) {
    put(world, PHC).await;
    let id = member(world, Level::Operator);
    for level in Level::ALL {
        let mut tx = world.begin(&world.caller(level)).await;
        let found = tx.password_of_email(&operator()).await;
        assert!(matches!(found, Err(StoreError::Forbidden)), "{level}");
        assert!(matches!(tx.password(id).await, Err(StoreError::Forbidden)), "{level}");
        assert!(
            matches!(tx.put_password(id, &phc(PHC)).await, Err(StoreError::Forbidden)),
            "{level}"
        );
    }
    for tenant in [world.ids.other, world.ids.platform] {
        let mut tx = world.begin(&worker(world, tenant)).await;
        assert_eq!(tx.password_of_email(&operator()).await.unwrap(), None);
        assert_eq!(tx.password(id).await.unwrap(), None);
    }
}

async fn a_disabled_user_has_no_verifier(world: &World<dyn Tx>) {
    put(world, PHC).await;
    let (admin, id) = (world.caller(Level::TenantAdmin), member(world, Level::Operator));
    let mut tx = world.begin(&admin).await;
    tx.set_principal_active(&reaching(&admin, id), false).await.unwrap();
    done(tx).await;
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert_eq!(tx.password_of_email(&operator()).await.unwrap(), None);
    assert_eq!(tx.password(id).await.unwrap(), None);
}

async fn a_session_renews_its_own_verifier_by_naming_the_present_one(world: &World<dyn Tx>) {
    put(world, PHC).await;
    let (present, new) = (phc(PHC), phc(&PHC.replace("t=2", "t=3")));
    for (level, known, renewed) in [
        (Level::Operator, &new, false),
        (Level::TenantOwner, &present, false),
        (Level::Operator, &present, true),
        (Level::Operator, &present, false),
    ] {
        let mut tx = world.begin(&world.caller(level)).await;
        assert_eq!(tx.renew_password(known, &new).await.unwrap(), renewed, "{level}");
        done(tx).await;
    }
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert_eq!(
        tx.password(member(world, Level::Operator)).await.unwrap(),
        Some(new.clone())
    );
    assert!(matches!(
        tx.renew_password(&new, &present).await,
        Err(StoreError::Forbidden)
    ));
}

async fn the_words_about_an_account_are_its_address_and_its_tenant_s_name(world: &World<dyn Tx>) {
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    let words = tx.words_about(member(world, Level::Operator)).await.unwrap();
    assert_eq!(words, ["operator@example.org", "customer"]);
}

cases!(
    a_session_renews_its_own_verifier_by_naming_the_present_one,
    the_words_about_an_account_are_its_address_and_its_tenant_s_name,
    a_verifier_is_found_by_address_and_by_principal_and_replaced,
    only_workers_read_and_write_verifiers_and_only_of_their_tenant,
    a_disabled_user_has_no_verifier,
);
