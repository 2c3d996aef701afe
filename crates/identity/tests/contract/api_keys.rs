//! API keys.
use std::time::Duration;

use chrono::TimeDelta;
use keepgate_identity::{
    ApiKeyFormat, Environment, ListApiKeys, NewApiKey, Phc, RevokeApiKey, RotateApiKey, RotateApiKeyError,
};
use keepgate_kernel::{Action, KeyId, Level};
use keepgate_policy::{GrantDenied, ReachProof, Scopes, Target, authorize, permissions::ApiKeyRotate, reach};
use keepgate_store::{StoreError, testing::World};

use crate::key_terms::used;
use crate::support::{
    PHC, Tx, bearing, cases, claimed, done, done_unmarked, key, key_of, lying, member, perform, reaching, with, worker,
};

fn phc(passes: u8) -> Phc {
    Phc::parse(PHC.replace("t=2", &format!("t={passes}"))).unwrap()
}

async fn a_key_enters_with_its_service_s_level_below_its_owner_s(world: &World<dyn Tx>) {
    let key = key(world, Level::TenantAdmin, |_| ()).await;
    let caller = bearing(world, &key, Level::TenantAdmin);
    let me = world.begin(&caller).await.me().await.unwrap().unwrap();
    assert_eq!(
        (me.principal, me.level, me.session, me.expires_at),
        (key.service, Level::TenantAdmin, None, None)
    );
    let lying = lying(&caller, Level::GlobalAdmin);
    assert_eq!(
        world.begin(&lying).await.me().await.unwrap().unwrap().level,
        Level::TenantAdmin,
        "claims only narrow"
    );
}

async fn a_revoked_key_is_refused_by_the_very_next_begin_and_stays_revoked(world: &World<dyn Tx>) {
    let key = key(world, Level::Operator, |_| ()).await;
    let caller = bearing(world, &key, Level::Operator);
    world.begin(&caller).await;
    let admin = world.caller(Level::TenantAdmin);
    perform(world, &admin, &RevokeApiKey { id: key.id }).await.unwrap();
    assert!(matches!(world.store().begin(&caller).await, Err(StoreError::Revoked)));
    assert!(
        perform(world, &admin, &RevokeApiKey { id: key.id }).await.is_err(),
        "revoked once"
    );
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert!(tx.key_on_file(key.id).await.unwrap().unwrap().revoked);
}

async fn an_expired_key_is_refused(world: &World<dyn Tx>) {
    let past = world.now - TimeDelta::seconds(1);
    let key = key(world, Level::Operator, |key| key.expires_at = Some(past)).await;
    assert!(matches!(
        world.store().begin(&bearing(world, &key, Level::Operator)).await,
        Err(StoreError::Revoked)
    ));
}

async fn a_key_falls_with_its_owner_s_level_and_dies_with_its_owner(world: &World<dyn Tx>) {
    let (owner, admin) = (world.caller(Level::TenantOwner), world.caller(Level::TenantAdmin));
    let key = key_of(world, &admin, Level::Supervisor, |_| ()).await;
    let caller = bearing(world, &key, Level::Supervisor);
    for (fallen, worth) in [
        (Level::Supervisor, Level::Operator),
        (Level::Operator, Level::FieldAgent),
    ] {
        let mut tx = world.begin(&owner).await;
        tx.give(world.ids.tenant, admin.principal().id, fallen, Some(world.ids.unit))
            .await
            .unwrap();
        done(tx).await;
        assert_eq!(world.begin(&caller).await.me().await.unwrap().unwrap().level, worth);
    }
    let mut tx = world.begin(&owner).await;
    assert!(
        tx.set_principal_active(&reaching(&owner, admin.principal().id), false)
            .await
            .unwrap()
    );
    done(tx).await;
    assert!(matches!(world.store().begin(&caller).await, Err(StoreError::Revoked)));
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert_eq!(tx.key_on_file(key.id).await.unwrap().unwrap().level, None);
}

async fn a_key_is_worth_nothing_to_another_principal_or_tenant(world: &World<dyn Tx>) {
    let key = key(world, Level::Operator, |_| ()).await;
    let caller = bearing(world, &key, Level::Operator);
    let thief = with(
        &caller,
        |principal| principal.id = member(world, Level::TenantOwner),
        caller.credential(),
    );
    let elsewhere = with(
        &caller,
        |principal| principal.tenant = world.ids.other,
        caller.credential(),
    );
    for impostor in [thief, elsewhere] {
        assert!(matches!(world.store().begin(&impostor).await, Err(StoreError::Revoked)));
    }
}

async fn only_levels_four_and_five_put_keys_on_record_and_only_for_services(world: &World<dyn Tx>) {
    let made = key(world, Level::Operator, |_| ()).await;
    let again = |service| NewApiKey {
        id: KeyId::new(world.now),
        service,
        expires_at: Some(world.now + TimeDelta::days(90)),
        ..made.clone()
    };
    for level in Level::ALL {
        let result = world
            .begin(&world.caller(level))
            .await
            .add_api_key(&claimed(&world.caller(level), made.service), &again(made.service))
            .await;
        let lawful = matches!(level, Level::TenantAdmin | Level::TenantOwner);
        assert_eq!(result.is_ok(), lawful, "{level}: {result:?}");
        assert!(lawful || matches!(result, Err(StoreError::Forbidden)), "{level}");
    }
    let for_a_user = again(member(world, Level::Operator));
    let result = world
        .begin(&world.caller(Level::TenantOwner))
        .await
        .add_api_key(
            &claimed(&world.caller(Level::TenantOwner), for_a_user.service),
            &for_a_user,
        )
        .await;
    assert!(matches!(result, Err(StoreError::Forbidden)));
}

async fn a_record_keeps_what_was_asked_for(world: &World<dyn Tx>) {
    let end = world.now + TimeDelta::days(90);
    let key = key(world, Level::Operator, |key| {
        key.scopes = Some(vec![Action::MessageAccept, Action::MessageRead]);
        key.allowed_cidrs = Some(vec![
            "10.1.0.0/16".parse().unwrap(),
            "192.0.2.7/32".parse().unwrap(),
            "2001:db8::/32".parse().unwrap(),
        ]);
        key.expires_at = Some(end);
    })
    .await;
    let record = world
        .begin(&world.caller(Level::TenantAdmin))
        .await
        .api_key(key.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (record.service, record.owner, record.level),
        (key.service, member(world, Level::TenantOwner), Some(Level::Operator))
    );
    assert_eq!(
        (record.scopes, record.allowed_cidrs.clone(), record.expires_at),
        (key.scopes.clone(), key.allowed_cidrs, Some(end))
    );
    let file = world
        .begin(&worker(world, world.ids.tenant))
        .await
        .key_on_file(key.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(file.scopes, Scopes::Only(key.scopes.unwrap()));
    assert_eq!(
        (file.allowed_cidrs, file.unit),
        (record.allowed_cidrs, Some(world.ids.unit))
    );
}

async fn keys_are_seen_by_admins_of_their_tenant_only(world: &World<dyn Tx>) {
    let key = key(world, Level::Operator, |_| ()).await;
    for level in Level::ALL {
        let mut tx = world.begin(&world.caller(level)).await;
        let admin = matches!(level, Level::TenantAdmin | Level::TenantOwner);
        assert_eq!(tx.api_key(key.id).await.unwrap().is_some(), admin, "{level}");
        assert!(
            matches!(tx.key_on_file(key.id).await, Err(StoreError::Forbidden)),
            "verifiers are for workers: {level}"
        );
    }
    let mut tx = world.begin(&world.stranger(Level::TenantOwner)).await;
    assert!(tx.api_key(key.id).await.unwrap().is_none());
    assert!(!tx.revoke_api_key(key.id).await.unwrap());
    assert!(
        world
            .begin(&worker(world, world.ids.other))
            .await
            .key_on_file(key.id)
            .await
            .unwrap()
            .is_none()
    );
}

async fn keys_come_in_pages_revoked_ones_too(world: &World<dyn Tx>) {
    let admin = world.caller(Level::TenantAdmin);
    let first = key(world, Level::Operator, |_| ()).await;
    for _ in 0..2 {
        key(world, Level::FieldAgent, |_| ()).await;
    }
    perform(world, &admin, &RevokeApiKey { id: first.id }).await.unwrap();
    let all = perform(world, &admin, &ListApiKeys { after: None, limit: 10 })
        .await
        .unwrap();
    let head = perform(world, &admin, &ListApiKeys { after: None, limit: 2 })
        .await
        .unwrap();
    let tail = perform(
        world,
        &admin,
        &ListApiKeys {
            after: head.last().map(|k| k.id),
            limit: 2,
        },
    )
    .await
    .unwrap();
    assert_eq!((all.len(), [head, tail].concat()), (3, all));
}

async fn every_key_of_a_service_ends_together_whoever_owns_it(world: &World<dyn Tx>) {
    let first = key(world, Level::Operator, |_| ()).await;
    let (admin, owner) = (world.caller(Level::TenantAdmin), world.caller(Level::TenantOwner));
    let second = NewApiKey {
        id: KeyId::new(world.now),
        expires_at: Some(world.now + TimeDelta::days(90)),
        ..first.clone()
    };
    let mut tx = world.begin(&admin).await;
    assert!(tx.add_api_key(&claimed(&admin, first.service), &second).await.unwrap());
    done(tx).await;
    let other = key(world, Level::Operator, |_| ()).await;
    let mut tx = world.begin(&owner).await;
    let another_s = claimed(&admin, first.service);
    assert_eq!(tx.revoke_api_keys_for(&another_s).await.unwrap(), 0, "another's proof");
    assert_eq!(
        tx.revoke_api_keys_for(&claimed(&owner, first.service)).await.unwrap(),
        2
    );
    assert_eq!(tx.api_key(other.id).await.unwrap().unwrap().revoked_at, None);
}

async fn a_key_is_for_a_service_below_its_issuer(world: &World<dyn Tx>) {
    let high = key(world, Level::TenantAdmin, |_| ()).await;
    let again = |service| NewApiKey {
        id: KeyId::new(world.now),
        service,
        expires_at: Some(world.now + TimeDelta::days(90)),
        ..high.clone()
    };
    let admin = world.caller(Level::TenantAdmin);
    let peer = world
        .begin(&admin)
        .await
        .add_api_key(&claimed(&admin, high.service), &again(high.service))
        .await;
    assert!(matches!(peer, Err(StoreError::Forbidden)), "{peer:?}");
    let low = key(world, Level::Operator, |_| ()).await;
    let elsewhere = world
        .begin(&admin)
        .await
        .add_api_key(&claimed(&admin, high.service), &again(low.service))
        .await;
    assert!(
        matches!(elsewhere, Err(StoreError::Forbidden)),
        "a proof about another service"
    );
}

async fn every_key_of_an_owner_ends_together(world: &World<dyn Tx>) {
    let keys = [
        key(world, Level::Operator, |_| ()).await,
        key(world, Level::FieldAgent, |_| ()).await,
    ];
    let (admin, owner) = (world.caller(Level::TenantAdmin), member(world, Level::TenantOwner));
    let mut tx = world.begin(&admin).await;
    let another_s = claimed(&world.caller(Level::Operator), owner);
    assert_eq!(tx.revoke_api_keys_of(&another_s).await.unwrap(), 0, "another's proof");
    assert_eq!(tx.revoke_api_keys_of(&claimed(&admin, owner)).await.unwrap(), 2);
    done(tx).await;
    for key in keys {
        assert!(matches!(
            world.store().begin(&bearing(world, &key, Level::FieldAgent)).await,
            Err(StoreError::Revoked)
        ));
    }
}

fn rotating(caller: &keepgate_policy::OpContext, key: &NewApiKey) -> ReachProof {
    let target = Target {
        principal: key.service,
        tenant: caller.tenant(),
        present: None,
    };
    reach(&authorize::<ApiKeyRotate>(caller).unwrap(), target).unwrap()
}

async fn after_a_rotation_the_old_secret_works_for_the_overlap_and_no_older_one(world: &World<dyn Tx>) {
    let (key, admin) = (
        key(world, Level::Operator, |_| ()).await,
        world.caller(Level::TenantAdmin),
    );
    for passes in [3, 4] {
        let mut tx = world.begin(&admin).await;
        assert!(
            tx.rotate_api_key(&rotating(&admin, &key), key.id, &phc(passes), Duration::from_secs(3600))
                .await
                .unwrap()
        );
        done(tx).await;
        let file = world
            .begin(&worker(world, world.ids.tenant))
            .await
            .key_on_file(key.id)
            .await
            .unwrap()
            .unwrap();
        let old = file.old.unwrap();
        assert_eq!((file.phc, old.phc), (phc(passes), phc(passes - 1)));
        let hour = old.until - world.now;
        assert!(hour >= TimeDelta::minutes(59) && hour <= TimeDelta::minutes(61));
    }
    let mut tx = world.begin(&admin).await;
    assert!(
        tx.rotate_api_key(&rotating(&admin, &key), key.id, &phc(5), Duration::ZERO)
            .await
            .unwrap()
    );
    done(tx).await;
    let file = world
        .begin(&worker(world, world.ids.tenant))
        .await
        .key_on_file(key.id)
        .await
        .unwrap()
        .unwrap();
    assert!(file.old.is_none() && file.phc == phc(5));
}

async fn a_secret_is_replaced_only_from_above_whatever_the_proof_says(world: &World<dyn Tx>) {
    let (key, admin) = (
        key(world, Level::TenantAdmin, |_| ()).await,
        world.caller(Level::TenantAdmin),
    );
    let proof = rotating(&lying(&admin, Level::TenantOwner), &key);
    let result = world
        .begin(&admin)
        .await
        .rotate_api_key(&proof, key.id, &phc(3), Duration::ZERO)
        .await;
    assert!(matches!(result, Err(StoreError::Forbidden)));
    let anothers = rotating(&world.caller(Level::TenantOwner), &key);
    let result = world
        .begin(&admin)
        .await
        .rotate_api_key(&anothers, key.id, &phc(3), Duration::ZERO)
        .await;
    assert!(matches!(result, Err(StoreError::Forbidden)));
}

async fn the_rotating_command_answers_until_when_the_old_secret_works(world: &World<dyn Tx>) {
    let format = ApiKeyFormat::new(Environment::Test, &[1; 32]);
    let rotate = |id, overlap| RotateApiKey {
        key: format.mint(id).unwrap(),
        phc: phc(3),
        overlap,
    };
    let (low, high) = (
        key(world, Level::Operator, |_| ()).await,
        key(world, Level::TenantAdmin, |_| ()).await,
    );
    let admin = world.caller(Level::TenantAdmin);
    let rotated = perform(world, &admin, &rotate(low.id, Duration::from_secs(60)))
        .await
        .unwrap();
    assert!(rotated.old_until.is_some() && rotated.key.id() == low.id);
    assert!(
        perform(world, &admin, &rotate(low.id, Duration::ZERO))
            .await
            .unwrap()
            .old_until
            .is_none()
    );
    let month = Duration::from_secs(31 * 24 * 3600);
    assert!(matches!(
        perform(world, &admin, &rotate(low.id, month)).await,
        Err(RotateApiKeyError::OverlapTooLong)
    ));
    let peer = perform(world, &admin, &rotate(high.id, Duration::ZERO)).await;
    assert!(matches!(peer, Err(RotateApiKeyError::Denied(GrantDenied::Superior))));
    perform(world, &admin, &RevokeApiKey { id: low.id }).await.unwrap();
    assert!(matches!(
        perform(world, &admin, &rotate(low.id, Duration::ZERO)).await,
        Err(RotateApiKeyError::NotFound)
    ));
}

async fn a_use_is_remembered_without_an_entry(world: &World<dyn Tx>) {
    let key = key(world, Level::Operator, |_| ()).await;
    let mut tx = world.begin(&worker(world, world.ids.platform)).await;
    tx.touch_api_keys(&[used(&key, world.now, false)]).await.unwrap();
    done_unmarked(tx).await.unwrap();
    let record = world
        .begin(&world.caller(Level::TenantAdmin))
        .await
        .api_key(key.id)
        .await
        .unwrap()
        .unwrap();
    assert!(record.last_used_at.is_some());
}

async fn a_disabled_service_s_key_is_refused(world: &World<dyn Tx>) {
    let (key, admin) = (
        key(world, Level::Operator, |_| ()).await,
        world.caller(Level::TenantAdmin),
    );
    let mut tx = world.begin(&admin).await;
    assert!(
        tx.set_principal_active(&reaching(&admin, key.service), false)
            .await
            .unwrap()
    );
    done(tx).await;
    assert!(matches!(
        world.store().begin(&bearing(world, &key, Level::Operator)).await,
        Err(StoreError::Revoked)
    ));
    let file = world
        .begin(&worker(world, world.ids.tenant))
        .await
        .key_on_file(key.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(file.level, None);
}

cases!(
    a_key_enters_with_its_service_s_level_below_its_owner_s,
    a_revoked_key_is_refused_by_the_very_next_begin_and_stays_revoked,
    an_expired_key_is_refused,
    a_key_falls_with_its_owner_s_level_and_dies_with_its_owner,
    a_key_is_worth_nothing_to_another_principal_or_tenant,
    only_levels_four_and_five_put_keys_on_record_and_only_for_services,
    a_record_keeps_what_was_asked_for,
    keys_are_seen_by_admins_of_their_tenant_only,
    keys_come_in_pages_revoked_ones_too,
    every_key_of_a_service_ends_together_whoever_owns_it,
    a_key_is_for_a_service_below_its_issuer,
    every_key_of_an_owner_ends_together,
    after_a_rotation_the_old_secret_works_for_the_overlap_and_no_older_one,
    a_secret_is_replaced_only_from_above_whatever_the_proof_says,
    the_rotating_command_answers_until_when_the_old_secret_works,
    a_use_is_remembered_without_an_entry,
    a_disabled_service_s_key_is_refused,
);
