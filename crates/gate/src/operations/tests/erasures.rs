//! Erasing a person, and what keeps one from being erased. Through the doorway, on both adapters.
use std::sync::Arc;

use keepgate_audit::{
    HoldScope,
    operations::{ListErasures, ListHolds},
};
use keepgate_kernel::{ApprovalId, ErasureId, HoldId, Level, PrincipalId, RequestId};
use keepgate_policy::{ErrorKind::Refused, OpContext};
use keepgate_rbac::Approve;

use super::house::{House, cases, now};
use crate::{
    MemoryTombstones, Tombstones,
    operations::{DeleteUser, EndStrangers, EraseAgain, EraseSubject, PlaceHold, ReleaseHold, RequestApproval, Wanted},
};

const REASON: &str = "the person has asked for it";

fn erase(subject: PrincipalId) -> EraseSubject {
    EraseSubject {
        id: ErasureId::new(now()),
        subject,
        reason: REASON.into(),
    }
}

async fn ask(house: &House, wanted: Wanted) -> Result<ApprovalId, keepgate_policy::ErrorKind> {
    let id = ApprovalId::new(now());
    let reason = REASON.to_owned();
    let command = RequestApproval { id, wanted, reason };
    house
        .perform(&house.caller(Level::TenantOwner), &command)
        .await
        .map(|asked| asked.id)
}

async fn agree(house: &House, wanted: Wanted) {
    let id = ask(house, wanted).await.unwrap();
    house
        .perform(&house.caller(Level::TenantAdmin), &Approve { id })
        .await
        .unwrap();
}

/// The operator of the house, deleted.
async fn gone(house: &House) -> PrincipalId {
    let id = house.caller(Level::Operator).principal().id;
    house
        .perform(&house.caller(Level::TenantOwner), &DeleteUser { id })
        .await
        .unwrap();
    id
}

fn worker(house: &House) -> OpContext {
    OpContext::system(house.tenant, RequestId::new(now()), now())
}

async fn a_person_is_erased_once_deleted_and_by_two(house: &House) {
    let (owner, admin) = (house.caller(Level::TenantOwner), house.caller(Level::TenantAdmin));
    let living = house.caller(Level::Operator).principal().id;
    assert_eq!(
        house.perform(&owner, &erase(living)).await.unwrap_err(),
        Refused("user-not-deleted")
    );
    assert_eq!(
        ask(house, Wanted::Erasure(living)).await.unwrap_err(),
        Refused("target-not-found")
    );
    let nobody = PrincipalId::from_parts(living.kind(), keepgate_kernel::Uuid::nil());
    assert_eq!(
        house.perform(&owner, &erase(nobody)).await.unwrap_err(),
        Refused("user-not-found")
    );
    let subject = gone(house).await;
    assert_eq!(
        house.perform(&owner, &erase(subject)).await.unwrap_err(),
        Refused("approval-required")
    );
    let id = ask(house, Wanted::Erasure(subject)).await.unwrap();
    assert_eq!(
        house.perform(&owner, &Approve { id }).await.unwrap_err(),
        Refused("same-person")
    );
    assert_eq!(
        house.perform(&owner, &erase(subject)).await.unwrap_err(),
        Refused("approval-required")
    );
    house.perform(&admin, &Approve { id }).await.unwrap();
    assert_eq!(
        house.perform(&admin, &erase(subject)).await.unwrap_err(),
        Refused("level-too-low")
    );
    let mut short = erase(subject);
    short.reason = "short".into();
    assert_eq!(
        house.perform(&owner, &short).await.unwrap_err(),
        Refused("invalid-reason")
    );
    let made = house.perform(&owner, &erase(subject)).await.unwrap();
    assert_eq!((made.subject, made.erased_by), (subject, Some(owner.principal().id)));
    assert_eq!(
        house.perform(&owner, &erase(subject)).await.unwrap_err(),
        Refused("approval-required")
    );
    let list = ListErasures { after: None, limit: 9 };
    assert_eq!(house.perform(&admin, &list).await.unwrap(), [made]);
}

async fn a_held_person_is_not_erased_until_two_release_the_hold(house: &House) {
    let (owner, admin) = (house.caller(Level::TenantOwner), house.caller(Level::TenantAdmin));
    let subject = gone(house).await;
    let place = |subject| PlaceHold {
        id: HoldId::new(now()),
        scope: HoldScope {
            subject,
            from: None,
            to: None,
        },
        reason: REASON.into(),
    };
    // One that names the person, and one that names nobody and so holds everybody.
    for named in [Some(subject), None] {
        assert_eq!(
            house.perform(&admin, &place(named)).await.unwrap_err(),
            Refused("level-too-low")
        );
        let hold = house.perform(&owner, &place(named)).await.unwrap();
        agree(house, Wanted::Erasure(subject)).await;
        assert_eq!(
            house.perform(&owner, &erase(subject)).await.unwrap_err(),
            Refused("held")
        );
        let release = ReleaseHold { id: hold.id };
        assert_eq!(
            house.perform(&owner, &release).await.unwrap_err(),
            Refused("approval-required")
        );
        agree(house, Wanted::Release(hold.id)).await;
        let released = house.perform(&owner, &release).await.unwrap();
        assert_eq!(released.released.map(|(who, _)| who), Some(owner.principal().id));
        assert_eq!(
            house.perform(&owner, &release).await.unwrap_err(),
            Refused("hold-released")
        );
    }
    // Somebody else's hold is no hindrance.
    house.perform(&owner, &place(Some(admin.principal().id))).await.unwrap();
    house.perform(&owner, &erase(subject)).await.unwrap();
    let holds = house
        .perform(&admin, &ListHolds { after: None, limit: 9 })
        .await
        .unwrap();
    assert_eq!(holds.iter().filter(|hold| hold.released.is_some()).count(), 2);
}

async fn an_erasure_is_copied_out_and_not_made_twice(house: &House) {
    let subject = gone(house).await;
    agree(house, Wanted::Erasure(subject)).await;
    house
        .perform(&house.caller(Level::TenantOwner), &erase(subject))
        .await
        .unwrap();
    let kept: Arc<dyn Tombstones> = Arc::new(MemoryTombstones::default());
    house.gate.keep_tombstones(&*kept, house.tenant).await.unwrap();
    house.gate.keep_tombstones(&*kept, house.tenant).await.unwrap();
    assert_eq!(kept.all().await.unwrap(), [(house.tenant, subject)]);
    let platform = house.second.tenant();
    assert_eq!(
        house.gate.settle_erasures(&kept, platform).await.unwrap(),
        0,
        "both say so"
    );
    let again = EraseAgain {
        id: ErasureId::new(now()),
        subject,
    };
    assert!(!house.perform(&worker(house), &again).await.unwrap());
}

async fn whom_only_the_copy_names_is_erased_again(house: &House) {
    // A database from before: it knows the person and no erasure.
    let subject = gone(house).await;
    let kept: Arc<dyn Tombstones> = Arc::new(MemoryTombstones::default());
    kept.keep(house.tenant, subject, now()).await.unwrap();
    let platform = house.second.tenant();
    assert_eq!(house.gate.settle_erasures(&kept, platform).await.unwrap(), 1);
    assert_eq!(house.gate.settle_erasures(&kept, platform).await.unwrap(), 0);
    let list = ListErasures { after: None, limit: 9 };
    let listed = house.perform(&house.caller(Level::TenantOwner), &list).await.unwrap();
    assert_eq!((listed[0].subject, listed[0].erased_by), (subject, None));
    // Nobody but Keepgate itself.
    let again = EraseAgain {
        id: ErasureId::new(now()),
        subject,
    };
    let owner = house.caller(Level::TenantOwner);
    assert!(house.perform(&owner, &again).await.is_err());
}

/// Somebody nobody knows was refused, at this time.
async fn stranger(house: &House, days_ago: i64) {
    let at = now() - chrono::TimeDelta::days(days_ago);
    let worker =
        OpContext::system(house.tenant, RequestId::new(at), at).from_source(Some("192.0.2.7".parse().unwrap()));
    let command = EndStrangers { days: 400 };
    house.perform(&worker, &command).await.unwrap();
}

async fn young_strangers_stay_and_only_the_worker_ends_them(house: &House) {
    stranger(house, 0).await;
    let platform = house.second.tenant();
    assert_eq!(house.gate.end_strangers(7, platform).await.unwrap(), 0);
    assert_eq!(
        house.gate.end_strangers(0, platform).await.unwrap(),
        0,
        "a week at least"
    );
    for level in Level::ALL {
        let refused = house.perform(&house.caller(level), &EndStrangers { days: 30 }).await;
        assert!(refused.is_err(), "{level}");
    }
}

#[tokio::test]
async fn old_strangers_are_ended_once_unless_everybody_is_held() {
    let house = House::memory().await;
    stranger(&house, 40).await;
    let platform = house.second.tenant();
    let owner = house.caller(Level::TenantOwner);
    let place = PlaceHold {
        id: HoldId::new(now()),
        scope: HoldScope {
            subject: None,
            from: Some(now() - chrono::TimeDelta::days(41)),
            to: Some(now() - chrono::TimeDelta::days(39)),
        },
        reason: REASON.into(),
    };
    let hold = house.perform(&owner, &place).await.unwrap();
    assert_eq!(house.gate.end_strangers(30, platform).await.unwrap(), 0, "held");
    agree(&house, Wanted::Release(hold.id)).await;
    house.perform(&owner, &ReleaseHold { id: hold.id }).await.unwrap();
    assert_eq!(
        house.gate.end_strangers(41, platform).await.unwrap(),
        0,
        "younger than that"
    );
    assert_eq!(house.gate.end_strangers(30, platform).await.unwrap(), 1);
    assert_eq!(house.gate.end_strangers(30, platform).await.unwrap(), 0);
}

cases!(
    young_strangers_stay_and_only_the_worker_ends_them,
    a_person_is_erased_once_deleted_and_by_two,
    a_held_person_is_not_erased_until_two_release_the_hold,
    an_erasure_is_copied_out_and_not_made_twice,
    whom_only_the_copy_names_is_erased_again,
);
