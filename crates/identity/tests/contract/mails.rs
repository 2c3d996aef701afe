//! Mail that is to be sent.
use chrono::TimeDelta;
use keepgate_identity::{MailKind, MailNotice};
use keepgate_kernel::{Level, MailId};
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, cases, done, done_unmarked, member, reaching, worker};

async fn a_notice_is_leased_once_with_its_owner_s_address_and_then_gone(world: &World<dyn Tx>) {
    let (operator, id) = (world.caller(Level::Operator), member(world, Level::Operator));
    let mut tx = world.begin(&operator).await;
    tx.notify(id, MailNotice::PasswordChanged).await.unwrap();
    done(tx).await;
    let mut tx = world.begin(&worker(world, world.ids.platform)).await;
    assert_eq!(tx.tenants_with_mail(9).await.unwrap(), [world.ids.tenant]);
    let until = world.now + TimeDelta::minutes(2);
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    let leased = tx.lease_mail(9, until).await.unwrap();
    done_unmarked(tx).await.expect("taking out needs no entry");
    let [mail] = leased.as_slice() else {
        panic!("one mail: {leased:?}")
    };
    assert_eq!(mail.kind, MailKind::Notice(id, MailNotice::PasswordChanged));
    assert_eq!(mail.to.as_ref().unwrap().as_str(), "operator@example.org");
    assert_eq!(mail.attempts, 1);
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert_eq!(tx.lease_mail(9, until).await.unwrap(), []);
    tx.postpone_mail(mail.id, world.now - TimeDelta::seconds(1))
        .await
        .unwrap();
    assert_eq!(tx.lease_mail(9, until).await.unwrap()[0].attempts, 2);
    tx.postpone_mail(mail.id, world.now - TimeDelta::seconds(1))
        .await
        .unwrap();
    tx.drop_mail(mail.id).await.unwrap();
    assert_eq!(tx.lease_mail(9, until).await.unwrap(), []);
    done_unmarked(tx).await.unwrap();
}

async fn what_asks_for_mail_has_its_entry(world: &World<dyn Tx>) {
    let mut tx = world.begin(&world.caller(Level::Operator)).await;
    tx.notify(member(world, Level::Operator), MailNotice::NewDevice)
        .await
        .unwrap();
    assert!(matches!(done_unmarked(tx).await, Err(StoreError::Unaudited)));
}

async fn codes_are_asked_for_from_above_only_and_notices_for_others_from_level_four(world: &World<dyn Tx>) {
    for (caller, target, allowed) in [
        (Level::TenantAdmin, Level::Operator, true),
        (Level::TenantOwner, Level::TenantAdmin, true),
        (Level::TenantAdmin, Level::TenantOwner, false),
    ] {
        let (by, target) = (world.caller(caller), member(world, target));
        let mut tx = world.begin(&by).await;
        let asked = tx.ask_for_code(&reaching(&by, target)).await;
        assert_eq!(asked.is_ok(), allowed, "{caller}");
        if !allowed {
            assert!(matches!(asked, Err(StoreError::Forbidden)));
        }
    }
    let mut tx = world.begin(&world.caller(Level::Supervisor)).await;
    let other = tx.notify(member(world, Level::Operator), MailNotice::NewDevice).await;
    assert!(matches!(other, Err(StoreError::Forbidden)));
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    let queued = tx.queue_code(member(world, Level::Operator)).await;
    assert!(
        matches!(queued, Err(StoreError::Forbidden)),
        "codes without a proof are the workers'"
    );
}

async fn a_request_is_kept_in_the_platform_s_tenant_and_runs_out(world: &World<dyn Tx>) {
    let platform = worker(world, world.ids.platform);
    let mut tx = world.begin(&platform).await;
    tx.queue_recovery(MailId::new(world.now), b"sealed").await.unwrap();
    done(tx).await;
    let mut tx = world.begin(&platform).await;
    let leased = tx.lease_mail(1, world.now).await.unwrap();
    assert_eq!(leased[0].kind, MailKind::Recovery(b"sealed".to_vec()));
    assert_eq!(leased[0].to, None);
}

cases!(
    a_notice_is_leased_once_with_its_owner_s_address_and_then_gone,
    what_asks_for_mail_has_its_entry,
    codes_are_asked_for_from_above_only_and_notices_for_others_from_level_four,
    a_request_is_kept_in_the_platform_s_tenant_and_runs_out,
);
