//! Approvals: who asks, who agrees, and that nobody does both. What uses them up is tested where it is.
use crate::support::{Tx, done, lying, seeded};
use keepgate_kernel::{ApprovalId, Level, PrincipalId, PrincipalKind};
use keepgate_policy::{
    Approval, ApprovalDenied, ApprovalState, Candidate, Matter, OpContext, ask, authorize,
    permissions::{ApprovalApprove, ApprovalRequest},
    second,
};
use keepgate_store::{StoreError, testing::World};

const REASON: &str = "the customer has left us";
const KEY: Matter = Matter::DestroyKey { version: 1 };

async fn asked(world: &World<dyn Tx>, by: &OpContext) -> Approval {
    let id = ApprovalId::new(world.now);
    let mut tx = world.begin(by).await;
    let proof = ask(&authorize::<ApprovalRequest>(by).unwrap(), KEY).unwrap();
    tx.add_approval(&proof, id, REASON).await.unwrap();
    done(tx).await;
    world.begin(by).await.approval(id).await.unwrap().unwrap()
}

pub async fn what_is_asked_for_is_pending_for_four_hours(world: &World<dyn Tx>) {
    seeded(world).await;
    let owner = world.caller(Level::TenantOwner);
    let approval = asked(world, &owner).await;
    assert_eq!(approval.matter, KEY);
    assert_eq!((approval.requested_by, approval.approved), (owner.principal().id, None));
    assert_eq!(approval.expires_at - approval.requested_at, chrono::TimeDelta::hours(4));
    assert_eq!(approval.state(world.now), ApprovalState::Pending);
    assert_eq!(approval.state(approval.expires_at), ApprovalState::Expired);
}

pub async fn only_the_level_of_the_action_asks_whatever_the_proof_says(world: &World<dyn Tx>) {
    seeded(world).await;
    let someone = PrincipalId::new(PrincipalKind::User, world.now);
    let matters = [
        (KEY, Level::TenantOwner),
        (Matter::GrantGlobal(Candidate::User(someone)), Level::GlobalAdmin),
        (
            Matter::GrantGlobal(Candidate::Address("eve@example.org".into())),
            Level::GlobalAdmin,
        ),
        (
            Matter::BreakGlass {
                tenant: world.ids.other,
                owner: world.ids.principal(world.ids.other, Level::TenantOwner),
            },
            Level::GlobalAdmin,
        ),
    ];
    for (matter, needed) in matters {
        for level in Level::ALL.into_iter().filter(|level| *level != needed) {
            let caller = world.caller(level);
            let proof = authorize::<ApprovalRequest>(&lying(&caller, needed, None)).unwrap();
            let proof = ask(&proof, matter.clone()).unwrap();
            let mut tx = world.begin(&caller).await;
            let refused = tx.add_approval(&proof, ApprovalId::new(world.now), REASON).await;
            assert!(
                matches!(refused, Err(StoreError::Forbidden)),
                "{level} asks {matter:?}: {refused:?}"
            );
        }
    }
}

pub async fn a_colleague_s_proof_does_not_ask_in_its_name(world: &World<dyn Tx>) {
    seeded(world).await;
    let (owner, admin) = (world.caller(Level::TenantOwner), world.caller(Level::TenantAdmin));
    let proof = ask(&authorize::<ApprovalRequest>(&owner).unwrap(), KEY).unwrap();
    for other in [&admin, &world.stranger(Level::TenantOwner)] {
        let mut tx = world.begin(other).await;
        let refused = tx.add_approval(&proof, ApprovalId::new(world.now), REASON).await;
        assert!(matches!(refused, Err(StoreError::Forbidden)), "{refused:?}");
    }
}

pub async fn another_person_agrees_once(world: &World<dyn Tx>) {
    seeded(world).await;
    let (owner, admin) = (world.caller(Level::TenantOwner), world.caller(Level::TenantAdmin));
    let approval = asked(world, &owner).await;
    let proof = second(&authorize::<ApprovalApprove>(&admin).unwrap(), &approval, world.now).unwrap();
    let mut tx = world.begin(&admin).await;
    assert!(tx.approve(&proof).await.unwrap());
    assert!(!tx.approve(&proof).await.unwrap(), "once");
    done(tx).await;
    for one in [&owner, &admin] {
        let found = world.begin(one).await.agreed(&KEY).await.unwrap().unwrap();
        assert_eq!(found.approved.map(|(who, _)| who), Some(admin.principal().id));
        let other = Matter::DestroyKey { version: 2 };
        assert!(
            world.begin(one).await.agreed(&other).await.unwrap().is_none(),
            "exactly that"
        );
    }
    let mut tx = world.begin(&world.stranger(Level::TenantOwner)).await;
    assert!(tx.agreed(&KEY).await.unwrap().is_none());
    assert!(tx.approval(approval.id).await.unwrap().is_none());
}

pub async fn nobody_agrees_to_what_they_asked_for(world: &World<dyn Tx>) {
    seeded(world).await;
    let owner = world.caller(Level::TenantOwner);
    let approval = asked(world, &owner).await;
    let proof = authorize::<ApprovalApprove>(&owner).unwrap();
    assert_eq!(
        second(&proof, &approval, world.now).unwrap_err(),
        ApprovalDenied::SamePerson
    );
    // A record that was tampered with on its way to the policy: the store looks at its own.
    let tampered = Approval {
        requested_by: PrincipalId::new(PrincipalKind::User, world.now),
        ..approval
    };
    let forged = second(&proof, &tampered, world.now).unwrap();
    let refused = world.begin(&owner).await.approve(&forged).await;
    assert!(matches!(refused, Err(StoreError::Forbidden)), "{refused:?}");
}

pub async fn nobody_agrees_in_another_s_name_or_below_the_level(world: &World<dyn Tx>) {
    seeded(world).await;
    let (owner, admin) = (world.caller(Level::TenantOwner), world.caller(Level::TenantAdmin));
    let approval = asked(world, &owner).await;
    let honest = second(&authorize::<ApprovalApprove>(&admin).unwrap(), &approval, world.now).unwrap();
    let refused = world.begin(&owner).await.approve(&honest).await;
    assert!(
        matches!(refused, Err(StoreError::Forbidden)),
        "the asker uses a colleague's name: {refused:?}"
    );
    for level in [Level::FieldAgent, Level::Operator, Level::Supervisor] {
        let caller = world.caller(level);
        let liar = lying(&caller, Level::TenantAdmin, None);
        let forged = second(&authorize::<ApprovalApprove>(&liar).unwrap(), &approval, world.now).unwrap();
        let refused = world.begin(&caller).await.approve(&forged).await;
        assert!(!matches!(refused, Ok(true)), "{level}: {refused:?}");
    }
    let found = world.begin(&owner).await.approval(approval.id).await.unwrap().unwrap();
    assert_eq!(found.approved, None);
}

pub async fn levels_without_a_say_see_no_approvals(world: &World<dyn Tx>) {
    seeded(world).await;
    asked(world, &world.caller(Level::TenantOwner)).await;
    for level in Level::ALL {
        let seen = world
            .begin(&world.caller(level))
            .await
            .approvals(None, 10)
            .await
            .unwrap()
            .len();
        assert_eq!(seen, usize::from(matches!(level.number(), 4 | 5)), "{level}");
    }
}
