//! Enrolment codes.
use chrono::TimeDelta;
use keepgate_identity::{EnrolmentCode, NewEnrolment};
use keepgate_kernel::{EnrolmentId, Level, PrincipalId, PrincipalKind};
use keepgate_policy::OpContext;
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, cases, done, member, reaching, settle, user, user_in, worker};

fn enrolment(world: &World<dyn Tx>, principal: PrincipalId, code: &EnrolmentCode) -> NewEnrolment {
    NewEnrolment {
        id: EnrolmentId::new(world.now),
        tenant: world.ids.tenant,
        principal,
        hash: code.hash(),
        expires_at: world.now + TimeDelta::hours(24),
    }
}

async fn invited(world: &World<dyn Tx>, by: &OpContext, principal: PrincipalId) -> EnrolmentCode {
    let code = EnrolmentCode::random().unwrap();
    let mut tx = world.begin(by).await;
    tx.add_enrolment(&enrolment(world, principal, &code)).await.unwrap();
    done(tx).await;
    code
}

async fn a_code_is_used_once(world: &World<dyn Tx>) {
    let operator = member(world, Level::Operator);
    let code = invited(world, &world.caller(Level::TenantAdmin), operator).await;
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert_eq!(tx.enrolment_holder(&code.hash()).await.unwrap(), Some(operator));
    assert_eq!(tx.use_enrolment(&code.hash()).await.unwrap(), Some(operator));
    assert_eq!(tx.use_enrolment(&code.hash()).await.unwrap(), None);
    done(tx).await;
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert_eq!(tx.use_enrolment(&code.hash()).await.unwrap(), None);
    assert_eq!(tx.enrolment_holder(&code.hash()).await.unwrap(), None);
}

async fn of_many_at_once_one_uses_the_code(world: &World<dyn Tx>) {
    let code = invited(world, &world.caller(Level::TenantAdmin), member(world, Level::Operator)).await;
    let racers: Vec<_> = (0..6)
        .map(|_| {
            let (store, context, hash) = (world.store(), worker(world, world.ids.tenant), code.hash());
            tokio::spawn(async move {
                let mut tx = store.begin(&context).await.unwrap();
                let used = tx.use_enrolment(&hash).await.unwrap().is_some();
                used && settle(tx).await.is_ok()
            })
        })
        .collect();
    let mut winners = 0;
    for racer in racers {
        winners += u32::from(racer.await.unwrap());
    }
    assert_eq!(winners, 1);
}

async fn an_expired_or_unknown_code_is_nobody_s(world: &World<dyn Tx>) {
    let code = EnrolmentCode::random().unwrap();
    let mut tx = world.begin(&world.caller(Level::TenantAdmin)).await;
    let past = world.now - TimeDelta::seconds(1);
    tx.add_enrolment(&NewEnrolment {
        expires_at: past,
        ..enrolment(world, member(world, Level::Operator), &code)
    })
    .await
    .unwrap();
    done(tx).await;
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert_eq!(tx.use_enrolment(&code.hash()).await.unwrap(), None);
    assert_eq!(
        tx.use_enrolment(&EnrolmentCode::random().unwrap().hash())
            .await
            .unwrap(),
        None
    );
}

async fn a_disabled_principal_s_code_is_nobody_s(world: &World<dyn Tx>) {
    let (admin, operator) = (world.caller(Level::TenantAdmin), member(world, Level::Operator));
    let code = invited(world, &admin, operator).await;
    let mut tx = world.begin(&admin).await;
    tx.set_principal_active(&reaching(&admin, operator), false)
        .await
        .unwrap();
    done(tx).await;
    assert_eq!(
        world
            .begin(&worker(world, world.ids.tenant))
            .await
            .use_enrolment(&code.hash())
            .await
            .unwrap(),
        None
    );
}

async fn a_code_works_in_its_own_tenant_and_for_workers_only(world: &World<dyn Tx>) {
    let code = invited(world, &world.caller(Level::TenantAdmin), member(world, Level::Operator)).await;
    for level in Level::ALL {
        let mut tx = world.begin(&world.caller(level)).await;
        let asked = tx.enrolment_holder(&code.hash()).await;
        assert!(matches!(asked, Err(StoreError::Forbidden)), "{level}");
        let mut tx = world.begin(&world.caller(level)).await;
        let used = tx.use_enrolment(&code.hash()).await;
        assert!(matches!(used, Err(StoreError::Forbidden)), "{level}");
    }
    for context in [worker(world, world.ids.other), worker(world, world.ids.platform)] {
        let mut tx = world.begin(&context).await;
        assert_eq!(tx.enrolment_holder(&code.hash()).await.unwrap(), None);
        assert_eq!(tx.use_enrolment(&code.hash()).await.unwrap(), None);
    }
}

async fn codes_are_made_for_lower_levels_only(world: &World<dyn Tx>) {
    for own in Level::ALL.into_iter().filter(|level| !level.is_platform()) {
        for other in Level::ALL.into_iter().filter(|level| !level.is_platform()) {
            let target = user(
                world,
                &format!("{own}-{other}@example.org").replace('_', "-"),
                other.min(Level::TenantAdmin),
            )
            .await;
            let target = if other == Level::TenantOwner {
                member(world, other)
            } else {
                target
            };
            let code = EnrolmentCode::random().unwrap();
            let result = world
                .begin(&world.caller(own))
                .await
                .add_enrolment(&enrolment(world, target, &code))
                .await;
            let lawful = own >= Level::TenantAdmin && other < own;
            assert_eq!(result.is_ok(), lawful, "{own} invites {other}");
            assert!(lawful || matches!(result, Err(StoreError::Forbidden)));
        }
    }
}

async fn nobody_makes_a_code_for_a_principal_without_a_level(world: &World<dyn Tx>) {
    let admin = world.caller(Level::TenantAdmin);
    let id = PrincipalId::new(PrincipalKind::User, world.now);
    let mut tx = world.begin(&admin).await;
    let email = Some("new@example.org".parse().unwrap());
    let new = keepgate_identity::NewPrincipal {
        id,
        tenant: world.ids.tenant,
        email,
        display_name: None,
    };
    assert!(tx.add_principal(&new).await.unwrap());
    let code = EnrolmentCode::random().unwrap();
    assert!(matches!(
        tx.add_enrolment(&enrolment(world, id, &code)).await,
        Err(StoreError::Forbidden)
    ));
}

async fn level_seven_makes_codes_elsewhere_only_for_owners_it_appointed(world: &World<dyn Tx>) {
    let global = world.caller(Level::GlobalAdmin);
    let appointed = {
        let id = PrincipalId::new(PrincipalKind::User, world.now);
        let mut tx = world.begin(&global).await;
        let email = Some("new@example.org".parse().unwrap());
        let new = keepgate_identity::NewPrincipal {
            id,
            tenant: world.ids.tenant,
            email,
            display_name: None,
        };
        assert!(tx.add_principal(&new).await.unwrap());
        tx.give(world.ids.tenant, id, Level::TenantOwner, None).await.unwrap();
        done(tx).await;
        id
    };
    invited(world, &global, appointed).await;
    let hired = user(world, "hired@example.org", Level::TenantAdmin).await;
    for target in [member(world, Level::TenantOwner), member(world, Level::Operator), hired] {
        let code = EnrolmentCode::random().unwrap();
        let result = world
            .begin(&global)
            .await
            .add_enrolment(&enrolment(world, target, &code))
            .await;
        assert!(matches!(result, Err(StoreError::Forbidden)));
    }
}

async fn a_stranger_s_principal_is_out_of_reach(world: &World<dyn Tx>) {
    let stranger = user_in(
        world,
        &world.stranger(Level::TenantOwner),
        "new@example.org",
        Level::Operator,
    )
    .await;
    let code = EnrolmentCode::random().unwrap();
    let new = NewEnrolment {
        tenant: world.ids.other,
        ..enrolment(world, stranger, &code)
    };
    let result = world
        .begin(&world.caller(Level::TenantOwner))
        .await
        .add_enrolment(&new)
        .await;
    assert!(matches!(result, Err(StoreError::Forbidden)));
}

cases!(
    a_code_is_used_once,
    of_many_at_once_one_uses_the_code,
    an_expired_or_unknown_code_is_nobody_s,
    a_disabled_principal_s_code_is_nobody_s,
    a_code_works_in_its_own_tenant_and_for_workers_only,
    codes_are_made_for_lower_levels_only,
    nobody_makes_a_code_for_a_principal_without_a_level,
    level_seven_makes_codes_elsewhere_only_for_owners_it_appointed,
    a_stranger_s_principal_is_out_of_reach,
);
