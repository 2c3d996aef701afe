//! The sentences of the ports, one case each.
use crate::{
    approvals::*,
    support::{Tx, done, lying, newcomer, seeded},
    units::*,
};
use keepgate_kernel::{Level, PrincipalId, PrincipalKind, RequestId, TenantId};
use keepgate_policy::{
    GrantProof, OpContext, ReachProof, Target, TenantStatus, authorize, grant,
    permissions::{TenantCreate, TenantUpdate, UserCreate, UserDelete},
    reach,
};
use keepgate_rbac::{CreateTenant, Plane};
use keepgate_store::{StoreError, testing::World};

async fn a_tenant_is_born_active_with_one_unit(world: &World<dyn Tx>) {
    seeded(world).await;
    let (global, id) = (world.caller(Level::GlobalAdmin), TenantId::new(world.now));
    let mut tx = world.begin(&global).await;
    tx.add_tenant(&authorize::<TenantCreate>(&global).unwrap(), id, "Acme")
        .await
        .unwrap();
    done(tx).await;
    let tenant = world.begin(&global).await.tenant(id).await.unwrap().unwrap();
    assert_eq!(
        (tenant.name.as_str(), tenant.plane, tenant.status),
        ("Acme", Plane::Customer, TenantStatus::Active)
    );
    let inside = OpContext::system(id, RequestId::new(world.now), world.now);
    let mut tx = world.begin(&inside).await;
    let main = tx.main_unit().await.unwrap().unwrap();
    assert_eq!(
        tx.units(None, 10)
            .await
            .unwrap()
            .into_iter()
            .map(|unit| unit.id)
            .collect::<Vec<_>>(),
        [main]
    );
}

async fn only_level_seven_makes_tenants_whatever_the_proof_says(world: &World<dyn Tx>) {
    seeded(world).await;
    for level in Level::ALL.into_iter().filter(|level| *level < Level::GlobalAdmin) {
        let proof = authorize::<TenantCreate>(&lying(&world.caller(level), Level::GlobalAdmin, None)).unwrap();
        let mut tx = world.begin(&world.caller(level)).await;
        let refused = tx.add_tenant(&proof, TenantId::new(world.now), "Acme").await;
        assert!(matches!(refused, Err(StoreError::Forbidden)), "{level}");
    }
}

async fn customers_see_their_own_tenant_and_platform_levels_all(world: &World<dyn Tx>) {
    seeded(world).await;
    for level in Level::ALL {
        let mut tx = world.begin(&world.caller(level)).await;
        let seen = tx.tenants(None, 10).await.unwrap().len();
        assert_eq!(seen, if level.is_platform() { 3 } else { 1 }, "{level}");
        assert_eq!(
            tx.tenant(world.ids.other).await.unwrap().is_some(),
            level.is_platform(),
            "{level}"
        );
    }
}

async fn tenants_come_in_pages(world: &World<dyn Tx>) {
    seeded(world).await;
    let mut tx = world.begin(&world.caller(Level::PlatformOperator)).await;
    let all = tx.tenants(None, 10).await.unwrap();
    let first = tx.tenants(None, 2).await.unwrap();
    let rest = tx.tenants(first.last().map(|tenant| tenant.id), 2).await.unwrap();
    assert_eq!([first, rest].concat(), all);
}

async fn a_customer_is_suspended_and_the_platform_never(world: &World<dyn Tx>) {
    seeded(world).await;
    let global = world.caller(Level::GlobalAdmin);
    let proof = authorize::<TenantUpdate>(&global).unwrap();
    let mut tx = world.begin(&global).await;
    assert!(
        tx.set_tenant_status(&proof, world.ids.other, TenantStatus::Suspended)
            .await
            .unwrap()
    );
    assert!(
        !tx.set_tenant_status(&proof, world.ids.platform, TenantStatus::Suspended)
            .await
            .unwrap()
    );
    done(tx).await;
    let tenant = world
        .begin(&global)
        .await
        .tenant(world.ids.other)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(tenant.status, TenantStatus::Suspended);
    for level in Level::ALL.into_iter().filter(|level| *level < Level::GlobalAdmin) {
        let mut tx = world.begin(&world.caller(level)).await;
        assert!(
            !tx.set_tenant_status(&proof, world.ids.tenant, TenantStatus::Suspended)
                .await
                .unwrap(),
            "{level}"
        );
    }
}

async fn units_are_those_of_the_tenant(world: &World<dyn Tx>) {
    seeded(world).await;
    for level in Level::ALL.into_iter().filter(|level| !level.is_platform()) {
        let mut tx = world.begin(&world.caller(level)).await;
        assert_eq!(tx.main_unit().await.unwrap(), Some(world.ids.unit), "{level}");
        assert!(tx.unit(world.ids.unit).await.unwrap().is_some(), "{level}");
        assert!(tx.unit(world.ids.other_unit).await.unwrap().is_none(), "{level}");
    }
    assert_eq!(
        world
            .begin(&world.caller(Level::GlobalAdmin))
            .await
            .main_unit()
            .await
            .unwrap(),
        None
    );
}

async fn a_level_is_seen_by_its_holder_in_its_unit_and_from_admin_up(world: &World<dyn Tx>) {
    seeded(world).await;
    for level in Level::ALL.into_iter().filter(|level| !level.is_platform()) {
        let caller = world.caller(level);
        let mut tx = world.begin(&caller).await;
        let own = tx.role_of(caller.principal().id).await.unwrap().unwrap();
        assert_eq!((own.level, own.unit), (level, caller.principal().unit));
        let owner = tx
            .role_of(world.caller(Level::TenantOwner).principal().id)
            .await
            .unwrap();
        assert_eq!(owner.is_some(), level >= Level::TenantAdmin, "{level}");
        let agent = tx
            .role_of(world.caller(Level::FieldAgent).principal().id)
            .await
            .unwrap();
        assert!(agent.is_some(), "{level}: of the same unit, or above");
        let stranger = tx.role_of(world.stranger(level).principal().id).await.unwrap();
        assert_eq!(stranger, None, "{level}");
    }
}

fn to(target: PrincipalId, tenant: TenantId, present: Option<Level>) -> Target {
    Target {
        principal: target,
        tenant,
        present,
    }
}

/// A proof that `caller` may give `new`, minted for some exaggeration of what the caller is; `None` if no lie suffices.
fn forged(world: &World<dyn Tx>, caller: &OpContext, target: Target, new: Level) -> Option<GrantProof> {
    let lies = [Level::TenantAdmin, Level::TenantOwner, Level::GlobalAdmin];
    let tenants = [caller.tenant(), world.ids.platform, world.ids.other];
    lies.into_iter()
        .flat_map(|level| tenants.map(|tenant| lying(caller, level, Some(tenant))))
        .find_map(|liar| grant(&authorize::<UserCreate>(&liar).ok()?, target, new).ok())
}

async fn every_pair_of_levels_obeys_the_rule_whatever_the_proof_says(world: &World<dyn Tx>) {
    seeded(world).await;
    let mut pairs = 0;
    for own in Level::ALL {
        for new in Level::ALL {
            pairs += 1;
            let caller = world.caller(own);
            let target = to(newcomer(world, caller.tenant()).await, caller.tenant(), None);
            let Some(proof) = forged(world, &caller, target, new) else {
                assert_eq!(new, Level::GlobalAdmin, "only level 7 can't even be lied about");
                continue;
            };
            let mut tx = world.begin(&caller).await;
            let result = tx.assign(proof, new.needs_unit().then_some(world.ids.unit)).await;
            let lawful = own >= Level::TenantAdmin && new < own && own.is_platform() == new.is_platform();
            match result {
                Ok(()) => assert!(lawful, "{own} gave {new}"),
                Err(StoreError::Forbidden) => assert!(!lawful, "{own} could not give {new}"),
                Err(other) => panic!("{own} gives {new}: {other:?}"),
            }
        }
    }
    assert_eq!(pairs, 49);
}

async fn a_peer_or_superior_keeps_its_level_whatever_the_proof_says(world: &World<dyn Tx>) {
    seeded(world).await;
    let (owner, admin) = (world.caller(Level::TenantOwner), world.caller(Level::TenantAdmin));
    let peer = to(newcomer(world, world.ids.tenant).await, world.ids.tenant, None);
    let proof = grant(&authorize::<UserCreate>(&owner).unwrap(), peer, Level::TenantAdmin).unwrap();
    let mut tx = world.begin(&owner).await;
    tx.assign(proof, None).await.unwrap();
    done(tx).await;
    for victim in [peer, to(owner.principal().id, world.ids.tenant, None)] {
        let proof = forged(world, &admin, victim, Level::Operator).unwrap();
        let refused = world.begin(&admin).await.assign(proof, Some(world.ids.unit)).await;
        assert!(matches!(refused, Err(StoreError::Forbidden)));
    }
}

async fn a_level_seven_appoints_an_owner_in_any_tenant(world: &World<dyn Tx>) {
    seeded(world).await;
    let global = world.caller(Level::GlobalAdmin);
    let target = to(newcomer(world, world.ids.other).await, world.ids.other, None);
    let proof = grant(&authorize::<UserCreate>(&global).unwrap(), target, Level::TenantOwner).unwrap();
    let mut tx = world.begin(&global).await;
    tx.assign(proof, None).await.unwrap();
    done(tx).await;
    let mut tx = world.begin(&world.stranger(Level::TenantAdmin)).await;
    assert_eq!(
        tx.role_of(target.principal).await.unwrap().map(|role| role.level),
        Some(Level::TenantOwner)
    );
}

async fn a_new_level_replaces_the_old_one(world: &World<dyn Tx>) {
    seeded(world).await;
    let owner = world.caller(Level::TenantOwner);
    let target = to(
        world.caller(Level::Operator).principal().id,
        world.ids.tenant,
        Some(Level::Operator),
    );
    let mut tx = world.begin(&owner).await;
    let proof = grant(&authorize::<UserCreate>(&owner).unwrap(), target, Level::TenantAdmin).unwrap();
    tx.assign(proof, None).await.unwrap();
    done(tx).await;
    let role = world
        .begin(&owner)
        .await
        .role_of(target.principal)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((role.level, role.unit), (Level::TenantAdmin, None));
}

async fn units_belong_to_the_lower_three_levels_and_only_to_them(world: &World<dyn Tx>) {
    seeded(world).await;
    let owner = world.caller(Level::TenantOwner);
    for (level, unit) in [(Level::Operator, None), (Level::TenantAdmin, Some(world.ids.unit))] {
        let target = to(newcomer(world, world.ids.tenant).await, world.ids.tenant, None);
        let proof = grant(&authorize::<UserCreate>(&owner).unwrap(), target, level).unwrap();
        assert!(world.begin(&owner).await.assign(proof, unit).await.is_err(), "{level}");
    }
}

fn reaching(caller: &OpContext, target: Target) -> ReachProof {
    reach(&authorize::<UserDelete>(caller).unwrap(), target).unwrap()
}

async fn a_revoked_level_is_gone_and_revoked_once(world: &World<dyn Tx>) {
    seeded(world).await;
    let admin = world.caller(Level::TenantAdmin);
    let target = to(
        world.caller(Level::Operator).principal().id,
        world.ids.tenant,
        Some(Level::Operator),
    );
    let mut tx = world.begin(&admin).await;
    assert!(tx.revoke_role(&reaching(&admin, target)).await.unwrap());
    assert!(!tx.revoke_role(&reaching(&admin, target)).await.unwrap());
    done(tx).await;
    assert_eq!(world.begin(&admin).await.role_of(target.principal).await.unwrap(), None);
}

async fn a_superior_s_level_is_not_revoked_whatever_the_proof_says(world: &World<dyn Tx>) {
    seeded(world).await;
    let admin = world.caller(Level::TenantAdmin);
    let target = to(world.caller(Level::TenantOwner).principal().id, world.ids.tenant, None);
    let liar = lying(&admin, Level::TenantOwner, None);
    assert!(
        !world
            .begin(&admin)
            .await
            .revoke_role(&reaching(&liar, target))
            .await
            .unwrap()
    );
}

async fn a_demoted_granter_s_old_proof_is_worth_nothing(world: &World<dyn Tx>) {
    seeded(world).await;
    let (owner, admin) = (world.caller(Level::TenantOwner), world.caller(Level::TenantAdmin));
    let target = to(newcomer(world, world.ids.tenant).await, world.ids.tenant, None);
    let early = grant(&authorize::<UserCreate>(&admin).unwrap(), target, Level::Operator).unwrap();
    let demoted = to(admin.principal().id, world.ids.tenant, Some(Level::TenantAdmin));
    let mut tx = world.begin(&owner).await;
    let proof = grant(&authorize::<UserCreate>(&owner).unwrap(), demoted, Level::Supervisor).unwrap();
    tx.assign(proof, Some(world.ids.unit)).await.unwrap();
    done(tx).await;
    let refused = world.begin(&admin).await.assign(early, Some(world.ids.unit)).await;
    assert!(matches!(refused, Err(StoreError::Forbidden)));
}

async fn another_s_proof_is_not_the_caller_s(world: &World<dyn Tx>) {
    seeded(world).await;
    let (owner, admin) = (world.caller(Level::TenantOwner), world.caller(Level::TenantAdmin));
    let target = to(PrincipalId::new(PrincipalKind::User, world.now), world.ids.tenant, None);
    let proof = grant(&authorize::<UserCreate>(&owner).unwrap(), target, Level::Operator).unwrap();
    let refused = world.begin(&admin).await.assign(proof, Some(world.ids.unit)).await;
    assert!(matches!(refused, Err(StoreError::Forbidden)));
}

async fn a_created_tenant_is_what_the_command_answers(world: &World<dyn Tx>) {
    use keepgate_policy::Command;
    seeded(world).await;
    let global = world.caller(Level::GlobalAdmin);
    let mut tx = world.begin(&global).await;
    let command = CreateTenant {
        id: TenantId::new(world.now),
        name: "Acme".into(),
    };
    let proof = authorize(&global).unwrap();
    let tenant = command.run(&proof, &mut *tx).await.unwrap();
    assert_eq!((tenant.id, tenant.name.as_str()), (command.id, "Acme"));
    let nameless = CreateTenant {
        id: TenantId::new(world.now),
        name: "\u{7}".into(),
    };
    assert!(nameless.run(&proof, &mut *tx).await.is_err());
}

keepgate_store::contract!(dyn Tx;
    a_tenant_is_born_active_with_one_unit,
    only_level_seven_makes_tenants_whatever_the_proof_says,
    customers_see_their_own_tenant_and_platform_levels_all,
    tenants_come_in_pages,
    a_customer_is_suspended_and_the_platform_never,
    units_are_those_of_the_tenant,
    a_level_is_seen_by_its_holder_in_its_unit_and_from_admin_up,
    every_pair_of_levels_obeys_the_rule_whatever_the_proof_says,
    a_peer_or_superior_keeps_its_level_whatever_the_proof_says,
    a_level_seven_appoints_an_owner_in_any_tenant,
    a_new_level_replaces_the_old_one,
    units_belong_to_the_lower_three_levels_and_only_to_them,
    a_revoked_level_is_gone_and_revoked_once,
    a_superior_s_level_is_not_revoked_whatever_the_proof_says,
    a_demoted_granter_s_old_proof_is_worth_nothing,
    another_s_proof_is_not_the_caller_s,
    a_created_tenant_is_what_the_command_answers,
    levels_one_to_three_see_their_own_unit_and_no_other,
    only_levels_four_and_five_make_units_whatever_the_proof_says,
    a_name_is_taken_once_within_the_tenant_and_free_again_afterwards,
    a_unit_with_somebody_in_it_stays,
    nobody_moves_into_a_unit_that_was_taken_away,
    another_tenant_s_unit_is_not_there,
    the_first_unit_is_the_one_for_whoever_names_none,
    what_is_asked_for_is_pending_for_four_hours,
    only_the_level_of_the_action_asks_whatever_the_proof_says,
    a_colleague_s_proof_does_not_ask_in_its_name,
    another_person_agrees_once,
    nobody_agrees_to_what_they_asked_for,
    nobody_agrees_in_another_s_name_or_below_the_level,
    levels_without_a_say_see_no_approvals,
);
