//! Principals.
use keepgate_identity::{Me, NewPrincipal, PrincipalStatus, ReadMe};
use keepgate_kernel::{Level, PrincipalId, PrincipalKind, TenantId};
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, cases, done, lying, member, perform, reaching, user, worker};

fn newcomer(world: &World<dyn Tx>, kind: PrincipalKind, tenant: TenantId, email: Option<&str>) -> NewPrincipal {
    let email = email.map(|text| text.parse().unwrap());
    NewPrincipal {
        id: PrincipalId::new(kind, world.now),
        tenant,
        email,
        display_name: Some("New".into()),
    }
}

async fn a_principal_is_found_in_its_own_tenant_only(world: &World<dyn Tx>) {
    let operator = member(world, Level::Operator);
    let record = world
        .begin(&world.caller(Level::TenantAdmin))
        .await
        .principal(operator)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (record.level, record.unit, record.status),
        (Some(Level::Operator), Some(world.ids.unit), PrincipalStatus::Active)
    );
    assert_eq!(record.email.unwrap().as_str(), "operator@example.org");
    for level in [Level::TenantAdmin, Level::TenantOwner] {
        assert_eq!(
            world
                .begin(&world.stranger(level))
                .await
                .principal(operator)
                .await
                .unwrap(),
            None
        );
    }
    for level in [Level::PlatformOperator, Level::GlobalAdmin] {
        assert_eq!(
            world
                .begin(&world.caller(level))
                .await
                .principal(operator)
                .await
                .unwrap(),
            None
        );
    }
}

async fn an_id_of_another_kind_is_another_principal(world: &World<dyn Tx>) {
    let disguised = PrincipalId::from_parts(PrincipalKind::Device, member(world, Level::Operator).uuid());
    assert_eq!(
        world
            .begin(&world.caller(Level::TenantAdmin))
            .await
            .principal(disguised)
            .await
            .unwrap(),
        None
    );
}

async fn levels_two_and_three_see_their_unit_and_level_one_itself(world: &World<dyn Tx>) {
    for own in Level::ALL.into_iter().filter(|level| !level.is_platform()) {
        for other in Level::ALL.into_iter().filter(|level| !level.is_platform()) {
            let seen = world
                .begin(&world.caller(own))
                .await
                .principal(member(world, other))
                .await
                .unwrap();
            assert_eq!(
                seen.is_some(),
                own == other || own >= Level::TenantAdmin || (own >= Level::Operator && other <= Level::Supervisor),
                "{own} sees {other}"
            );
        }
    }
}

async fn only_levels_from_four_up_add_principals(world: &World<dyn Tx>) {
    for level in Level::ALL.into_iter().filter(|level| !level.is_platform()) {
        let new = newcomer(world, PrincipalKind::User, world.ids.tenant, Some("new@example.org"));
        let result = world.begin(&world.caller(level)).await.add_principal(&new).await;
        match result {
            Ok(added) => assert!(added && level >= Level::TenantAdmin, "{level}"),
            Err(error) => assert!(
                matches!(error, StoreError::Forbidden) && level < Level::TenantAdmin,
                "{level}: {error:?}"
            ),
        }
    }
}

async fn nobody_adds_to_another_tenant_but_level_seven_and_only_users(world: &World<dyn Tx>) {
    let user = newcomer(world, PrincipalKind::User, world.ids.other, Some("new@example.org"));
    let service = newcomer(world, PrincipalKind::Service, world.ids.other, None);
    let owner = world.caller(Level::TenantOwner);
    assert!(matches!(
        world.begin(&owner).await.add_principal(&user).await,
        Err(StoreError::Forbidden)
    ));
    let global = world.caller(Level::GlobalAdmin);
    assert!(matches!(
        world.begin(&global).await.add_principal(&service).await,
        Err(StoreError::Forbidden)
    ));
    assert!(world.begin(&global).await.add_principal(&user).await.unwrap());
}

async fn an_address_is_taken_once_in_a_tenant_and_free_in_another(world: &World<dyn Tx>) {
    let again = newcomer(
        world,
        PrincipalKind::User,
        world.ids.tenant,
        Some("operator@example.org"),
    );
    assert!(
        !world
            .begin(&world.caller(Level::TenantAdmin))
            .await
            .add_principal(&again)
            .await
            .unwrap()
    );
    user(world, "new@example.org", Level::Operator).await;
    let elsewhere = newcomer(world, PrincipalKind::User, world.ids.other, Some("new@example.org"));
    assert!(
        world
            .begin(&world.stranger(Level::TenantAdmin))
            .await
            .add_principal(&elsewhere)
            .await
            .unwrap()
    );
}

async fn a_deleted_user_s_address_is_free_again(world: &World<dyn Tx>) {
    let (admin, id) = (world.caller(Level::TenantAdmin), member(world, Level::Operator));
    let mut tx = world.begin(&admin).await;
    assert!(tx.delete_principal(&reaching(&admin, id)).await.unwrap());
    assert!(
        !tx.delete_principal(&reaching(&admin, id)).await.unwrap(),
        "deleted once"
    );
    assert!(
        !tx.set_principal_active(&reaching(&admin, id), true).await.unwrap(),
        "deleted for good"
    );
    done(tx).await;
    let mut tx = world.begin(&admin).await;
    let record = tx.principal(id).await.unwrap().unwrap();
    assert_eq!(
        (record.status, record.email, record.display_name),
        (PrincipalStatus::Deleted, None, None)
    );
    let again = newcomer(
        world,
        PrincipalKind::User,
        world.ids.tenant,
        Some("operator@example.org"),
    );
    assert!(tx.add_principal(&again).await.unwrap());
}

async fn users_come_in_pages_without_deleted_ones_and_other_kinds(world: &World<dyn Tx>) {
    let admin = world.caller(Level::TenantAdmin);
    let mut tx = world.begin(&admin).await;
    assert!(
        tx.add_principal(&newcomer(world, PrincipalKind::Service, world.ids.tenant, None))
            .await
            .unwrap()
    );
    tx.delete_principal(&reaching(&admin, member(world, Level::FieldAgent)))
        .await
        .unwrap();
    done(tx).await;
    let mut tx = world.begin(&admin).await;
    let all = tx.principals(PrincipalKind::User, None, 10).await.unwrap();
    assert_eq!(all.len(), 4);
    let first = tx.principals(PrincipalKind::User, None, 3).await.unwrap();
    let rest = tx
        .principals(PrincipalKind::User, first.last().map(|user| user.id), 3)
        .await
        .unwrap();
    assert_eq!([first, rest].concat(), all);
    assert_eq!(tx.principals(PrincipalKind::Service, None, 10).await.unwrap().len(), 1);
}

async fn a_disabled_principal_is_refused_at_the_very_next_begin_and_its_session_stays_dead(world: &World<dyn Tx>) {
    let (admin, operator) = (world.caller(Level::TenantAdmin), world.caller(Level::Operator));
    for active in [false, true] {
        let mut tx = world.begin(&admin).await;
        assert!(
            tx.set_principal_active(&reaching(&admin, operator.principal().id), active)
                .await
                .unwrap()
        );
        done(tx).await;
        assert!(
            matches!(world.store().begin(&operator).await, Err(StoreError::Revoked)),
            "active: {active}"
        );
    }
}

async fn a_peer_or_superior_is_untouched_whatever_the_proof_says(world: &World<dyn Tx>) {
    let peer = user(world, "peer@example.org", Level::TenantAdmin).await;
    let admin = world.caller(Level::TenantAdmin);
    for target in [peer, member(world, Level::TenantOwner)] {
        let proof = reaching(&lying(&admin, Level::TenantOwner), target);
        let mut tx = world.begin(&admin).await;
        assert!(!tx.set_principal_active(&proof, false).await.unwrap());
        assert!(!tx.delete_principal(&proof).await.unwrap());
    }
}

async fn another_s_proof_is_not_the_caller_s(world: &World<dyn Tx>) {
    let proof = reaching(&world.caller(Level::TenantOwner), member(world, Level::Operator));
    let mut tx = world.begin(&world.caller(Level::TenantAdmin)).await;
    assert!(!tx.set_principal_active(&proof, false).await.unwrap());
    assert!(!tx.delete_principal(&proof).await.unwrap());
}

async fn everybody_reads_who_they_are(world: &World<dyn Tx>) {
    for level in Level::ALL {
        let caller = world.caller(level);
        let me: Me = perform(world, &caller, &ReadMe).await.unwrap();
        assert_eq!(
            (me.principal, me.tenant, me.level),
            (caller.principal().id, caller.tenant(), level)
        );
        assert!(me.session.is_some() && me.expires_at.is_some() && !me.tenant_name.is_empty());
    }
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert_eq!(tx.me().await.unwrap(), None, "a worker is nobody");
}

async fn a_claim_can_only_narrow_the_level(world: &World<dyn Tx>) {
    let operator = world.caller(Level::Operator);
    let raised = lying(&operator, Level::TenantOwner);
    assert_eq!(
        world.begin(&raised).await.me().await.unwrap().unwrap().level,
        Level::Operator
    );
    let narrowed = lying(&operator, Level::FieldAgent);
    assert_eq!(
        world.begin(&narrowed).await.me().await.unwrap().unwrap().level,
        Level::FieldAgent
    );
}

async fn a_demotion_binds_the_very_next_transaction(world: &World<dyn Tx>) {
    let (owner, admin) = (world.caller(Level::TenantOwner), world.caller(Level::TenantAdmin));
    let mut tx = world.begin(&owner).await;
    tx.give(
        world.ids.tenant,
        admin.principal().id,
        Level::Operator,
        Some(world.ids.unit),
    )
    .await
    .unwrap();
    done(tx).await;
    let mut tx = world.begin(&admin).await;
    assert_eq!(tx.me().await.unwrap().unwrap().level, Level::Operator);
    let new = newcomer(world, PrincipalKind::User, world.ids.tenant, Some("new@example.org"));
    assert!(matches!(tx.add_principal(&new).await, Err(StoreError::Forbidden)));
}

cases!(
    a_principal_is_found_in_its_own_tenant_only,
    an_id_of_another_kind_is_another_principal,
    levels_two_and_three_see_their_unit_and_level_one_itself,
    only_levels_from_four_up_add_principals,
    nobody_adds_to_another_tenant_but_level_seven_and_only_users,
    an_address_is_taken_once_in_a_tenant_and_free_in_another,
    a_deleted_user_s_address_is_free_again,
    users_come_in_pages_without_deleted_ones_and_other_kinds,
    a_disabled_principal_is_refused_at_the_very_next_begin_and_its_session_stays_dead,
    a_peer_or_superior_is_untouched_whatever_the_proof_says,
    another_s_proof_is_not_the_caller_s,
    everybody_reads_who_they_are,
    a_claim_can_only_narrow_the_level,
    a_demotion_binds_the_very_next_transaction,
);
