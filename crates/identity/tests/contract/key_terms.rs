//! How long keys live, what they are called, and when they were used.
use std::{net::IpAddr, time::Duration};

use chrono::TimeDelta;
use keepgate_identity::{
    ApiKeyFormat, ApiKeyRecord, Environment, Handle, KeyUse, LONGEST_LIFE, MailKind, MailNotice, NewApiKey, ReportLeak,
    ReportLeakError, RevokeApiKey, RotateApiKey, RotateApiKeyError,
};
use keepgate_kernel::{KeyId, Level, Timestamp};
use keepgate_store::{StoreError, testing::World};

use crate::support::{PHC, Tx, bearing, cases, claimed, done, done_unmarked, key, key_of, member, perform, worker};

pub fn used(key: &NewApiKey, at: Timestamp, old: bool) -> KeyUse {
    let source = Some(IpAddr::from([192, 0, 2, 7]));
    KeyUse {
        key: key.id,
        at,
        source,
        old,
    }
}

async fn record(world: &World<dyn Tx>, id: KeyId) -> ApiKeyRecord {
    let mut tx = world.begin(&world.caller(Level::TenantAdmin)).await;
    tx.api_key(id).await.unwrap().expect("a key on record")
}

async fn rotate(world: &World<dyn Tx>, id: KeyId, overlap: Duration) -> Result<(), RotateApiKeyError> {
    let format = ApiKeyFormat::new(Environment::Test, &[1; 32]);
    // Another verifier each time: the same one is no rotation.
    let salt: String = id.to_string().chars().rev().chain("xy".chars()).take(16).collect();
    let phc = PHC.replace("c2FsdHNhbHRzYWx0", &salt);
    let command = RotateApiKey {
        key: format.mint(id).unwrap(),
        phc: keepgate_identity::Phc::parse(phc).unwrap(),
        overlap,
    };
    perform(world, &world.caller(Level::TenantAdmin), &command)
        .await
        .map(|_| ())
}

async fn a_key_is_found_by_its_handle_and_only_by_the_platform_s_worker(world: &World<dyn Tx>) {
    let key = key(world, Level::Operator, |_| ()).await;
    let mut tx = world.begin(&worker(world, world.ids.platform)).await;
    let found = tx.home_of_handle(Handle::of(key.id)).await.unwrap();
    assert_eq!(found, Some((world.ids.tenant, key.id)));
    let nobody = Handle::of(KeyId::new(world.now));
    assert_eq!(tx.home_of_handle(nobody).await.unwrap(), None);
    drop(tx);
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert_eq!(tx.home_of_handle(Handle::of(key.id)).await.unwrap(), None);
    drop(tx);
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    let result = tx.home_of_handle(Handle::of(key.id)).await;
    assert!(matches!(result, Err(StoreError::Forbidden)));
}

async fn no_two_keys_have_one_handle(world: &World<dyn Tx>) {
    let made = key(world, Level::Operator, |_| ()).await;
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    assert!(
        !tx.add_api_key(&claimed(&world.caller(Level::TenantOwner), made.service), &made)
            .await
            .unwrap()
    );
}

async fn below_level_five_a_key_has_an_end_within_a_year_and_a_day(world: &World<dyn Tx>) {
    let made = key(world, Level::FieldAgent, |_| ()).await;
    let longest = world.now + LONGEST_LIFE;
    for (level, end, lawful) in [
        (Level::TenantAdmin, Some(longest - TimeDelta::minutes(5)), true),
        (Level::TenantAdmin, Some(longest + TimeDelta::minutes(5)), false),
        (Level::TenantAdmin, None, false),
        (Level::TenantOwner, Some(longest + TimeDelta::days(365)), true),
        (Level::TenantOwner, None, true),
    ] {
        let new = NewApiKey {
            id: KeyId::new(world.now),
            expires_at: end,
            ..made.clone()
        };
        let result = world
            .begin(&world.caller(level))
            .await
            .add_api_key(&claimed(&world.caller(level), new.service), &new)
            .await;
        assert_eq!(result.is_ok(), lawful, "{level} until {end:?}: {result:?}");
        assert!(lawful || matches!(result, Err(StoreError::Forbidden)));
    }
}

async fn a_rotation_gives_a_key_as_long_a_life_again_and_keeps_its_name(world: &World<dyn Tx>) {
    let end = world.now + TimeDelta::days(30);
    let timed = key(world, Level::Operator, |key| key.expires_at = Some(end)).await;
    let endless = key(world, Level::Operator, |_| ()).await;
    let life = |record: &ApiKeyRecord| record.expires_at.unwrap() - record.created_at;
    let before = record(world, timed.id).await;
    for id in [timed.id, endless.id] {
        rotate(world, id, Duration::from_secs(60 * 24 * 3600))
            .await
            .unwrap_err();
        rotate(world, id, Duration::from_secs(3600)).await.unwrap();
    }
    let after = record(world, timed.id).await;
    assert!(after.expires_at >= before.expires_at);
    assert!(
        (life(&after) - life(&before)).abs() < TimeDelta::minutes(5),
        "about as long again"
    );
    assert_eq!(record(world, endless.id).await.expires_at, None);
    let mut tx = world.begin(&worker(world, world.ids.platform)).await;
    let found = tx.home_of_handle(Handle::of(timed.id)).await.unwrap();
    assert_eq!(found, Some((world.ids.tenant, timed.id)));
}

async fn the_secret_before_a_rotation_never_outlives_its_own_end(world: &World<dyn Tx>) {
    let end = world.now + TimeDelta::minutes(30);
    let key = key(world, Level::Operator, |key| key.expires_at = Some(end)).await;
    rotate(world, key.id, Duration::from_secs(7 * 24 * 3600)).await.unwrap();
    let until = record(world, key.id).await.retiring.unwrap().until;
    assert!((until - end).abs() < TimeDelta::seconds(1), "{until} after {end}");
}

async fn a_key_that_has_ended_is_not_rotated_back_to_life(world: &World<dyn Tx>) {
    let past = world.now - TimeDelta::seconds(1);
    let key = key(world, Level::Operator, |key| key.expires_at = Some(past)).await;
    let result = rotate(world, key.id, Duration::ZERO).await;
    assert!(matches!(result, Err(RotateApiKeyError::NotFound)), "{result:?}");
}

async fn uses_of_many_keys_are_remembered_at_once_the_latest_of_each(world: &World<dyn Tx>) {
    let keys = [
        key(world, Level::Operator, |_| ()).await,
        key(world, Level::FieldAgent, |_| ()).await,
    ];
    let second = |n| world.now + TimeDelta::seconds(n);
    let touch = async |uses: &[KeyUse]| {
        let mut tx = world.begin(&worker(world, world.ids.platform)).await;
        tx.touch_api_keys(uses).await.unwrap();
        done_unmarked(tx).await.unwrap();
    };
    touch(&[used(&keys[0], second(2), false), used(&keys[1], second(3), false)]).await;
    let earlier = KeyUse {
        source: None,
        ..used(&keys[0], second(1), false)
    };
    touch(&[earlier]).await;
    for (key, at) in keys.iter().zip([2, 3]) {
        let record = record(world, key.id).await;
        assert!((record.last_used_at.unwrap() - second(at)).abs() < TimeDelta::milliseconds(1));
        assert_eq!(record.last_used_from, Some([192, 0, 2, 7].into()));
    }
}

async fn the_old_secret_s_uses_are_told_apart_and_forgotten_with_it(world: &World<dyn Tx>) {
    let key = key(world, Level::Operator, |_| ()).await;
    rotate(world, key.id, Duration::from_secs(3600)).await.unwrap();
    assert_eq!(record(world, key.id).await.retiring.unwrap().last_used_at, None);
    let mut tx = world.begin(&worker(world, world.ids.platform)).await;
    let later = world.now + TimeDelta::seconds(2);
    tx.touch_api_keys(&[used(&key, world.now, true), used(&key, later, false)])
        .await
        .unwrap();
    done_unmarked(tx).await.unwrap();
    let now = record(world, key.id).await;
    let old = now.retiring.unwrap().last_used_at.unwrap();
    assert!((old - world.now).abs() < TimeDelta::milliseconds(1), "{old}");
    assert!(now.last_used_at.unwrap() > old);
}

async fn only_the_platform_s_worker_writes_uses_down(world: &World<dyn Tx>) {
    let key = key(world, Level::Operator, |_| ()).await;
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    tx.touch_api_keys(&[used(&key, world.now, false)]).await.unwrap();
    done_unmarked(tx).await.unwrap();
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    let result = tx.touch_api_keys(&[used(&key, world.now, false)]).await;
    assert!(matches!(result, Err(StoreError::Forbidden)));
    drop(tx);
    assert_eq!(record(world, key.id).await.last_used_at, None);
}

async fn a_reported_key_ends_in_its_own_tenant_once_and_with_an_entry(world: &World<dyn Tx>) {
    let key = key(world, Level::Operator, |_| ()).await;
    let owner = member(world, Level::TenantAdmin);
    let report = ReportLeak { id: key.id, owner };
    let elsewhere = perform(world, &worker(world, world.ids.other), &report).await;
    assert!(
        matches!(elsewhere, Err(ReportLeakError::Revoked)),
        "another tenant's worker ends nothing"
    );
    let home = worker(world, world.ids.tenant);
    let mut tx = world.begin(&home).await;
    assert!(tx.revoke_leaked_key(key.id).await.unwrap());
    assert!(done_unmarked(tx).await.is_err(), "never without an entry");
    perform(world, &home, &report).await.unwrap();
    let mut tx = world.begin(&home).await;
    let told = tx.lease_mail(9, world.now).await.unwrap();
    let kinds: Vec<_> = told.into_iter().map(|mail| mail.kind).collect();
    assert_eq!(kinds, [MailKind::Notice(owner, MailNotice::ApiKeyLeaked)]);
    drop(tx);
    assert!(record(world, key.id).await.revoked_at.is_some());
    let caller = bearing(world, &key, Level::Operator);
    assert!(matches!(world.store().begin(&caller).await, Err(StoreError::Revoked)));
    assert!(matches!(
        perform(world, &home, &report).await,
        Err(ReportLeakError::Revoked)
    ));
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    assert!(matches!(tx.revoke_leaked_key(key.id).await, Err(StoreError::Forbidden)));
}

async fn whoever_owns_a_key_stands_in_its_file(world: &World<dyn Tx>) {
    let admin = world.caller(Level::TenantAdmin);
    let key = key_of(world, &admin, Level::Operator, |_| ()).await;
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    let file = tx.key_on_file(key.id).await.unwrap().unwrap();
    assert_eq!((file.owner, file.hat), (member(world, Level::TenantAdmin), None));
    drop(tx);
    perform(world, &admin, &RevokeApiKey { id: key.id }).await.unwrap();
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    assert_eq!(
        tx.revoke_api_keys_of(&claimed(&world.caller(Level::TenantOwner), file.owner))
            .await
            .unwrap(),
        0,
        "revoked once"
    );
    done(tx).await;
}

cases!(
    a_key_is_found_by_its_handle_and_only_by_the_platform_s_worker,
    no_two_keys_have_one_handle,
    below_level_five_a_key_has_an_end_within_a_year_and_a_day,
    a_rotation_gives_a_key_as_long_a_life_again_and_keeps_its_name,
    the_secret_before_a_rotation_never_outlives_its_own_end,
    a_key_that_has_ended_is_not_rotated_back_to_life,
    uses_of_many_keys_are_remembered_at_once_the_latest_of_each,
    the_old_secret_s_uses_are_told_apart_and_forgotten_with_it,
    only_the_platform_s_worker_writes_uses_down,
    a_reported_key_ends_in_its_own_tenant_once_and_with_an_entry,
    whoever_owns_a_key_stands_in_its_file,
);
