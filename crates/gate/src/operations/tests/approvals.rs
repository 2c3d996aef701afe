//! Two people: a new global admin, a locked-out owner, the end of a key. Through the doorway, on both adapters.
use std::sync::Arc;

use keepgate_crypto_keys::{EndDataKey, EndProof, EndedKey, KeepDataKey, ListKeys, RotateDataKey};
use keepgate_identity::{ListFactors, ReadMe};
use keepgate_kernel::{ApprovalId, Level, PrincipalId, RequestId};
use keepgate_policy::{Approval, ApprovalState, Candidate, ErrorKind, ErrorKind::Refused, OpContext};
use keepgate_rbac::{Approve, GetApproval};

use super::{
    house::{House, cases, context, now},
    second_factors::add_app,
};
use crate::{
    MemoryTombstones, Tombstones, VaultError,
    operations::{BreakGlass, CreateUser, DestroyKey, RequestApproval, UpdateUser, UserCreated, Wanted},
};

const EVE: &str = "eve@platform.invalid";

async fn ask(house: &House, by: &OpContext, wanted: Wanted) -> Result<Approval, ErrorKind> {
    let command = RequestApproval {
        id: ApprovalId::new(now()),
        wanted,
        reason: "the night shift needs it".into(),
    };
    house.perform(by, &command).await
}

async fn agreed(house: &House, wanted: Wanted) -> Approval {
    let asked = ask(house, &house.caller(Level::GlobalAdmin), wanted).await.unwrap();
    house.perform(&house.second, &Approve { id: asked.id }).await.unwrap()
}

fn eve() -> Wanted {
    Wanted::Global(Candidate::Address(EVE.into()))
}

async fn make_eve(house: &House, by: &OpContext) -> Result<UserCreated, ErrorKind> {
    let command = CreateUser::new(EVE.parse().unwrap(), Level::GlobalAdmin, now()).unwrap();
    house.perform(by, &command).await
}

async fn two_make_a_third_who_enters_as_a_global_admin(house: &House) {
    let first = house.caller(Level::GlobalAdmin);
    assert_eq!(make_eve(house, &first).await.unwrap_err(), Refused("approval-required"));
    let approval = agreed(house, eve()).await;
    assert_eq!(approval.state(now()), ApprovalState::Approved);
    let created = make_eve(house, &house.second).await.unwrap();
    let opened = house.enrol(&created.code).await;
    assert_eq!(opened.level, Level::GlobalAdmin);
    assert_eq!(
        house.perform(&context(&opened), &ReadMe).await.unwrap().level,
        Level::GlobalAdmin
    );
    let spent = house.perform(&first, &GetApproval { id: approval.id }).await.unwrap();
    assert_eq!(spent.state(now()), ApprovalState::Consumed);
}

async fn an_approval_makes_one_and_only_the_one_it_names(house: &House) {
    let first = house.caller(Level::GlobalAdmin);
    agreed(house, eve()).await;
    let other = CreateUser::new("mallory@platform.invalid".parse().unwrap(), Level::GlobalAdmin, now()).unwrap();
    assert_eq!(
        house.perform(&first, &other).await.unwrap_err(),
        Refused("approval-required")
    );
    make_eve(house, &first).await.unwrap();
    assert_eq!(make_eve(house, &first).await.unwrap_err(), Refused("approval-required"));
}

async fn asking_is_not_enough_and_approving_oneself_is_refused(house: &House) {
    let first = house.caller(Level::GlobalAdmin);
    let asked = ask(house, &first, eve()).await.unwrap();
    assert_eq!(
        make_eve(house, &first).await.unwrap_err(),
        Refused("approval-required"),
        "wrong order"
    );
    assert_eq!(
        house.perform(&first, &Approve { id: asked.id }).await.unwrap_err(),
        Refused("same-person")
    );
    house.perform(&house.second, &Approve { id: asked.id }).await.unwrap();
    let again = house.perform(&house.second, &Approve { id: asked.id }).await;
    assert_eq!(again.unwrap_err(), Refused("approval-not-pending"));
}

async fn a_platform_operator_is_promoted_by_two_and_never_votes(house: &House) {
    let first = house.caller(Level::GlobalAdmin);
    let operator = house.caller(Level::PlatformOperator);
    let id = operator.principal().id;
    let promote = UpdateUser {
        id,
        level: Some(Level::GlobalAdmin),
        unit: None,
        hat: None,
        active: None,
    };
    let wanted = || Wanted::Global(Candidate::User(id));
    assert_eq!(
        ask(house, &operator, wanted()).await.unwrap_err(),
        Refused("level-too-low")
    );
    assert_eq!(
        house.perform(&first, &promote).await.unwrap_err(),
        Refused("approval-required")
    );
    let myself = Wanted::Global(Candidate::User(first.principal().id));
    assert_eq!(ask(house, &first, myself).await.unwrap_err(), Refused("not-oneself"));
    let there = Wanted::Global(Candidate::User(house.second.principal().id));
    assert_eq!(
        ask(house, &first, there).await.unwrap_err(),
        Refused("target-not-found"),
        "already one"
    );
    let asked = ask(house, &first, wanted()).await.unwrap();
    let vote = house.perform(&operator, &Approve { id: asked.id }).await;
    assert_eq!(vote.unwrap_err(), Refused("level-too-low"));
    house.perform(&house.second, &Approve { id: asked.id }).await.unwrap();
    let record = house.perform(&first, &promote).await.unwrap();
    assert_eq!(record.level, Some(Level::GlobalAdmin));
    assert_eq!(
        house.perform(&operator, &ReadMe).await.unwrap().level,
        Level::PlatformOperator,
        "until the next log-in"
    );
    assert!(house.perform(&first, &promote).await.is_err());
}

async fn a_third_global_admin_does_not_use_what_two_others_agreed_on(house: &House) {
    let (first, third) = (house.caller(Level::GlobalAdmin), {
        agreed(house, eve()).await;
        let created = make_eve(house, &house.second).await.unwrap();
        context(&house.enrol(&created.code).await)
    });
    let frank = "frank@platform.invalid";
    agreed(house, Wanted::Global(Candidate::Address(frank.into()))).await;
    let command = CreateUser::new(frank.parse().unwrap(), Level::GlobalAdmin, now()).unwrap();
    assert_eq!(
        house.perform(&third, &command).await.unwrap_err(),
        Refused("approval-required")
    );
    assert!(house.perform(&first, &command).await.is_ok());
}

fn glass(house: &House, owner: Option<PrincipalId>) -> BreakGlass {
    BreakGlass::new(house.tenant, owner, now()).unwrap()
}

async fn a_locked_out_owner_is_let_in_again_by_two(house: &House) {
    let (first, owner) = (house.caller(Level::GlobalAdmin), house.caller(Level::TenantOwner));
    let id = owner.principal().id;
    assert_eq!(
        house.perform(&first, &glass(house, None)).await.unwrap_err(),
        Refused("approval-required")
    );
    let refused = ask(house, &owner, Wanted::Owner(house.tenant, Some(id))).await;
    assert_eq!(refused.unwrap_err(), Refused("approval-level"));
    agreed(house, Wanted::Owner(house.tenant, None)).await;
    add_app(house, &owner).await;
    let broken = house.perform(&first, &glass(house, None)).await.unwrap();
    assert_eq!(broken.owner, id);
    assert!(house.enters(&owner).await, "not before the code is used");
    let opened = house.enrol(&broken.code).await;
    assert_eq!((opened.principal, opened.level), (id, Level::TenantOwner));
    assert!(!house.enters(&owner).await, "what was open before is closed");
    assert!(house.enters(&context(&opened)).await);
    let own = house.behind(&context(&opened), &ListFactors).await.unwrap();
    assert_eq!(
        (own.factors.len(), own.standing.recovery_codes),
        (0, 0),
        "whoever finds the lost phone has nothing"
    );
    assert_eq!(
        house.perform(&first, &glass(house, None)).await.unwrap_err(),
        Refused("approval-required"),
        "once"
    );
}

async fn breaking_glass_is_for_owners_of_that_tenant_only(house: &House) {
    let first = house.caller(Level::GlobalAdmin);
    for nobody in [house.caller(Level::TenantAdmin).principal().id, first.principal().id] {
        let wanted = Wanted::Owner(house.tenant, Some(nobody));
        assert_eq!(
            ask(house, &first, wanted).await.unwrap_err(),
            Refused("target-not-found")
        );
        let refused = house.perform(&first, &glass(house, Some(nobody))).await;
        assert_eq!(refused.unwrap_err(), Refused("owner-not-found"));
    }
}

async fn a_key_ends_when_an_owner_and_another_want_it(house: &House) {
    let (owner, admin) = (house.caller(Level::TenantOwner), house.caller(Level::TenantAdmin));
    let place = keepgate_crypto_keys::Place {
        tenant: house.tenant,
        purpose: keepgate_crypto_keys::Purpose::Payload,
        table: "t",
        column: "c",
        row: keepgate_kernel::Uuid::nil(),
    };
    let before = house.gate.seal(&place, b"secret").await.unwrap();
    assert_eq!(keepgate_crypto_keys::sealed_version(&before).unwrap(), 1);
    let destroy = DestroyKey { version: 1 };
    assert_eq!(
        house.perform(&owner, &destroy).await.unwrap_err(),
        Refused("approval-required")
    );
    assert_eq!(
        ask(house, &admin, Wanted::Key(1)).await.unwrap_err(),
        Refused("level-too-low")
    );
    assert_eq!(
        ask(house, &owner, Wanted::Key(2)).await.unwrap_err(),
        Refused("target-not-found")
    );
    let asked = ask(house, &owner, Wanted::Key(1)).await.unwrap();
    let alone = house.perform(&owner, &Approve { id: asked.id }).await;
    assert_eq!(alone.unwrap_err(), Refused("same-person"));
    let low = house
        .perform(&house.caller(Level::Supervisor), &Approve { id: asked.id })
        .await;
    assert_eq!(low.unwrap_err(), Refused("level-too-low"));
    house.perform(&admin, &Approve { id: asked.id }).await.unwrap();
    assert_eq!(
        house.perform(&admin, &destroy).await.unwrap_err(),
        Refused("level-too-low")
    );
    let state = house.perform(&owner, &destroy).await.unwrap();
    assert!(state.destroy_after > Some(now() + chrono::TimeDelta::days(6)));
    assert_eq!(
        house.perform(&owner, &destroy).await.unwrap_err(),
        Refused("key-pending-destruction")
    );
    house.gate.reload_keys();
    let after = house.gate.seal(&place, b"secret").await.unwrap();
    assert_eq!(
        keepgate_crypto_keys::sealed_version(&after).unwrap(),
        2,
        "nothing more is sealed under it"
    );
    assert_eq!(
        house.gate.open(&place, &before).await.unwrap().as_slice(),
        b"secret",
        "and what was, opens"
    );
    let keep = KeepDataKey { version: 1 };
    assert_eq!(
        house.perform(&admin, &keep).await.unwrap_err(),
        Refused("level-too-low")
    );
    assert!(house.perform(&owner, &keep).await.unwrap().destroy_after.is_none());
    assert_eq!(
        house.perform(&owner, &keep).await.unwrap_err(),
        Refused("key-not-pending"),
        "once"
    );
    assert_eq!(
        house.perform(&owner, &destroy).await.unwrap_err(),
        Refused("approval-required"),
        "what two wanted is used up"
    );
}

async fn a_rotated_key_seals_and_the_former_opens(house: &House) {
    let (owner, admin) = (house.caller(Level::TenantOwner), house.caller(Level::TenantAdmin));
    let place = keepgate_crypto_keys::Place {
        tenant: house.tenant,
        purpose: keepgate_crypto_keys::Purpose::Payload,
        table: "t",
        column: "c",
        row: keepgate_kernel::Uuid::nil(),
    };
    let before = house.gate.seal(&place, b"secret").await.unwrap();
    let rotate = RotateDataKey {
        next: house.gate.new_data_key(house.tenant).await.unwrap(),
    };
    assert_eq!(
        house.perform(&admin, &rotate).await.unwrap_err(),
        Refused("level-too-low")
    );
    assert_eq!(house.perform(&owner, &rotate).await.unwrap().version, 2);
    assert_eq!(
        house.perform(&owner, &rotate).await.unwrap_err(),
        Refused("key-rotated-meanwhile")
    );
    house.gate.reload_keys();
    let after = house.gate.seal(&place, b"secret").await.unwrap();
    assert_eq!(keepgate_crypto_keys::sealed_version(&after).unwrap(), 2);
    assert_eq!(house.gate.open(&place, &before).await.unwrap().as_slice(), b"secret");
}

async fn the_end_of_another_key_of_that_number_ends_nothing(house: &House) {
    let place = place(house);
    let sealed = house.gate.seal(&place, b"secret").await.unwrap();
    let kept: Arc<dyn Tombstones> = Arc::new(MemoryTombstones::default());
    let other = EndedKey {
        version: 1,
        at: now(),
        proof: EndProof([7; 32]),
    };
    kept.keep_key(house.tenant, &other).await.unwrap();
    assert_eq!(house.gate.settle_keys(&kept, house.second.tenant()).await.unwrap(), 0);
    let worker = OpContext::system(house.tenant, RequestId::new(now()), now());
    let forged = EndDataKey {
        version: 1,
        proof: Some(other.proof),
    };
    assert_eq!(
        house.perform(&worker, &forged).await.unwrap_err(),
        Refused("forbidden-by-database")
    );
    let early = EndDataKey {
        version: 1,
        proof: None,
    };
    assert!(!house.perform(&worker, &early).await.unwrap(), "nobody wanted it");
    assert_eq!(house.gate.open(&place, &sealed).await.unwrap().as_slice(), b"secret");
}

fn place(house: &House) -> keepgate_crypto_keys::Place {
    keepgate_crypto_keys::Place {
        tenant: house.tenant,
        purpose: keepgate_crypto_keys::Purpose::Payload,
        table: "t",
        column: "c",
        row: keepgate_kernel::Uuid::nil(),
    }
}

/// In PostgreSQL the days of grace are the database's own: `key_ends` of the end-to-end tests.
#[tokio::test]
async fn a_key_that_has_ended_opens_nothing_and_its_number_is_never_used_again() {
    let house = House::memory().await;
    let (owner, admin) = (house.caller(Level::TenantOwner), house.caller(Level::TenantAdmin));
    let place = place(&house);
    let sealed = house.gate.seal(&place, b"secret").await.unwrap();
    let asked = ask(&house, &owner, Wanted::Key(1)).await.unwrap();
    house.perform(&admin, &Approve { id: asked.id }).await.unwrap();
    house.perform(&owner, &DestroyKey { version: 1 }).await.unwrap();
    let later = now() + chrono::TimeDelta::days(8);
    let worker = OpContext::system(house.tenant, RequestId::new(later), later);
    let end = EndDataKey {
        version: 1,
        proof: None,
    };
    assert!(house.perform(&worker, &end).await.unwrap());
    house.gate.reload_keys();
    assert!(
        matches!(house.gate.open(&place, &sealed).await, Err(VaultError::Gone)),
        "not even what was open a moment ago"
    );
    let edited = [&sealed[..4], &[9], &sealed[5..]].concat();
    assert!(matches!(
        house.gate.open(&place, &edited).await,
        Err(VaultError::Unknown)
    ));
    let next = house.gate.seal(&place, b"secret").await.unwrap();
    assert_eq!(keepgate_crypto_keys::sealed_version(&next).unwrap(), 2);
    let states = house.perform(&owner, &ListKeys).await.unwrap();
    assert!(states[0].destroyed_at.is_some() && states[1].destroyed_at.is_none());
    for _ in 0..2 {
        let elsewhere: Arc<dyn Tombstones> = Arc::new(MemoryTombstones::default());
        house.gate.settle_keys(&elsewhere, house.second.tenant()).await.unwrap();
        let all = elsewhere.all_keys().await.unwrap();
        assert_eq!(
            (all.len(), all[0].0, all[0].1),
            (1, house.tenant, 1),
            "every instance has its copy"
        );
    }
}

cases!(
    two_make_a_third_who_enters_as_a_global_admin,
    an_approval_makes_one_and_only_the_one_it_names,
    asking_is_not_enough_and_approving_oneself_is_refused,
    a_platform_operator_is_promoted_by_two_and_never_votes,
    a_third_global_admin_does_not_use_what_two_others_agreed_on,
    a_locked_out_owner_is_let_in_again_by_two,
    breaking_glass_is_for_owners_of_that_tenant_only,
    a_key_ends_when_an_owner_and_another_want_it,
    a_rotated_key_seals_and_the_former_opens,
    the_end_of_another_key_of_that_number_ends_nothing,
);
