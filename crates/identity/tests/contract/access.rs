//! Who has which access.
use chrono::TimeDelta;
use keepgate_identity::{
    ACCESS_STALE_AFTER, Access, AccessStatus, HeldFactors, Holder, NewDevice, NewSession, RecoveryCode, ReviewAccess,
    RevokeApiKey, SESSION_LIFE,
};
use keepgate_kernel::{Level, PrincipalId, PrincipalKind, SessionId};
use keepgate_policy::{OpContext, authorize, enlist, permissions::DeviceCreate};
use keepgate_store::{
    postgres::Role,
    testing::{TestDb, World},
};
use sqlx::ConnectOptions;

use crate::{
    key_terms::used,
    second_factors::{app, confirmed, passkey, put},
    support::{Tx, cases, done, done_unmarked, key, key_of, member, perform, reaching, user, user_in, worker},
};

async fn review(world: &World<dyn Tx>, caller: &OpContext) -> Vec<Access> {
    world.begin(caller).await.access(None, 500).await.unwrap()
}

fn of(all: &[Access], holder: Holder) -> Access {
    let found = all.iter().find(|access| access.holder == holder);
    found.unwrap_or_else(|| panic!("{holder} is in the review")).clone()
}

fn person(world: &World<dyn Tx>, level: Level) -> Holder {
    Holder::Principal(member(world, level))
}

async fn log_in(world: &World<dyn Tx>, who: PrincipalId) {
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    let new = NewSession {
        factors: keepgate_policy::Factors::One,
        id: SessionId::new(world.now),
        principal: who,
        expires_at: world.now + SESSION_LIFE,
    };
    tx.open_session(&new).await.unwrap();
    done(tx).await;
}

async fn from_level_four_everybody_of_the_tenant_is_there_in_order_and_nobody_else(world: &World<dyn Tx>) {
    let made = key(world, Level::Operator, |_| ()).await;
    let stranger = user_in(
        world,
        &world.stranger(Level::TenantOwner),
        "far@example.org",
        Level::Operator,
    )
    .await;
    for level in [Level::TenantAdmin, Level::TenantOwner] {
        let command = ReviewAccess {
            after: None,
            limit: 500,
        };
        let all = perform(world, &world.caller(level), &command).await.unwrap();
        assert!(all.is_sorted_by_key(|access| access.holder));
        let people = all.iter().filter(|access| access.holder.kind() == "user").count();
        assert_eq!((people, all.len()), (5, 7), "five people, a service, its key");
        for who in Level::ALL.into_iter().filter(|level| !level.is_platform()) {
            let line = of(&all, person(world, who));
            assert_eq!((line.level, line.status), (Some(who), AccessStatus::Active));
            assert_eq!(line.unit.is_some(), who.needs_unit());
            assert_eq!((line.owner, line.factors), (None, Some(HeldFactors::default())));
        }
        assert!(all.iter().any(|access| access.holder == Holder::Key(made.id)));
        assert!(all.iter().all(|access| access.holder != Holder::Principal(stranger)));
    }
    let all = review(world, &world.caller(Level::GlobalAdmin)).await;
    assert_eq!(all.len(), 2, "the platform's own two");
}

async fn below_level_four_there_is_nobody_but_oneself_and_one_s_unit_and_no_key(world: &World<dyn Tx>) {
    key(world, Level::Operator, |_| ()).await;
    let agent = review(world, &world.caller(Level::FieldAgent)).await;
    let seen: Vec<Holder> = agent.iter().map(|access| access.holder).collect();
    assert_eq!(seen, [person(world, Level::FieldAgent)]);
    for level in [Level::Operator, Level::Supervisor] {
        let all = review(world, &world.caller(level)).await;
        assert!(all.iter().all(|access| access.unit.is_some()), "{level}: {all:?}");
        assert!(all.iter().all(|access| access.holder.kind() != "api_key"));
        let owner = all
            .iter()
            .find(|access| access.holder == person(world, Level::TenantOwner));
        assert_eq!(owner, None);
    }
}

async fn a_worker_reviews_nothing(world: &World<dyn Tx>) {
    assert_eq!(review(world, &worker(world, world.ids.tenant)).await, []);
}

async fn pages_are_the_whole_cut_in_pieces(world: &World<dyn Tx>) {
    for n in 0..3 {
        key(world, Level::Operator, |key| key.name = format!("k{n}")).await;
    }
    let owner = world.caller(Level::TenantOwner);
    let whole = review(world, &owner).await;
    for size in [1, 2, 5] {
        let (mut pieces, mut after) = (Vec::new(), None);
        loop {
            let page = world.begin(&owner).await.access(after, size).await.unwrap();
            assert!(page.len() <= size as usize);
            let Some(last) = page.last() else { break };
            after = Some(last.holder);
            pieces.extend(page);
        }
        assert_eq!(pieces, whole, "{size}");
    }
}

async fn a_key_has_its_owner_and_is_worth_less_than_its_owner(world: &World<dyn Tx>) {
    let (owner, admin) = (world.caller(Level::TenantOwner), world.caller(Level::TenantAdmin));
    let made = key_of(world, &admin, Level::Supervisor, |key| key.name = "robot".into()).await;
    let all = review(world, &owner).await;
    let (line, service) = (
        of(&all, Holder::Key(made.id)),
        of(&all, Holder::Principal(made.service)),
    );
    assert_eq!(
        (line.owner, line.level),
        (Some(admin.principal().id), Some(Level::Supervisor))
    );
    assert_eq!(
        (line.name.as_deref(), line.expires_at),
        (Some("robot"), made.expires_at)
    );
    assert_eq!(
        (line.factors, service.factors),
        (None, None),
        "only people hold factors"
    );
    assert_eq!(service.owner, Some(admin.principal().id), "who gave it its level");
    let mut tx = world.begin(&owner).await;
    let (tenant, unit) = (world.ids.tenant, Some(world.ids.unit));
    tx.give(tenant, admin.principal().id, Level::Operator, unit)
        .await
        .unwrap();
    done(tx).await;
    let line = of(&review(world, &owner).await, Holder::Key(made.id));
    assert_eq!(line.level, Some(Level::FieldAgent));
}

async fn a_revoked_key_and_a_deleted_person_have_no_access_and_the_disabled_may_get_it_back(world: &World<dyn Tx>) {
    let (owner, admin) = (world.caller(Level::TenantOwner), world.caller(Level::TenantAdmin));
    let (gone, stays) = (
        key(world, Level::Operator, |_| ()).await,
        key_of(world, &admin, Level::Operator, |_| ()).await,
    );
    perform(world, &owner, &RevokeApiKey { id: gone.id }).await.unwrap();
    let leaver = user(world, "leaver@example.org", Level::Operator).await;
    let mut tx = world.begin(&owner).await;
    assert!(tx.delete_principal(&reaching(&owner, leaver)).await.unwrap());
    let disabled = reaching(&owner, admin.principal().id);
    assert!(tx.set_principal_active(&disabled, false).await.unwrap());
    done(tx).await;
    let all = review(world, &owner).await;
    for absent in [Holder::Key(gone.id), Holder::Principal(leaver)] {
        assert!(all.iter().all(|access| access.holder != absent), "{absent}");
    }
    assert_eq!(
        of(&all, person(world, Level::TenantAdmin)).status,
        AccessStatus::Disabled
    );
    let key = of(&all, Holder::Key(stays.id));
    assert_eq!(
        (key.status, key.level),
        (AccessStatus::Disabled, None),
        "its owner may not act"
    );
}

async fn an_expired_key_says_so(world: &World<dyn Tx>) {
    let past = world.now - TimeDelta::seconds(1);
    let made = key(world, Level::Operator, |key| key.expires_at = Some(past)).await;
    let all = review(world, &world.caller(Level::TenantOwner)).await;
    assert_eq!(of(&all, Holder::Key(made.id)).status, AccessStatus::Expired);
}

async fn a_log_in_and_a_use_of_a_key_are_uses_and_nothing_else_is(world: &World<dyn Tx>) {
    let owner = world.caller(Level::TenantOwner);
    let quiet = user(world, "quiet@example.org", Level::Operator).await;
    let busy = user(world, "busy@example.org", Level::Operator).await;
    let made = key(world, Level::Operator, |_| ()).await;
    let before = review(world, &owner).await;
    for silent in [
        Holder::Principal(quiet),
        Holder::Principal(busy),
        Holder::Key(made.id),
        Holder::Principal(made.service),
    ] {
        assert_eq!(of(&before, silent).last_used_at, None, "{silent}");
    }
    log_in(world, busy).await;
    let at = world.now - TimeDelta::days(3);
    let mut tx = world.begin(&worker(world, world.ids.platform)).await;
    tx.touch_api_keys(&[used(&made, at, false)]).await.unwrap();
    done_unmarked(tx).await.unwrap();
    let all = review(world, &owner).await;
    assert_eq!(of(&all, Holder::Principal(quiet)).last_used_at, None);
    let seen = of(&all, Holder::Principal(busy)).last_used_at.unwrap();
    assert!((seen - world.now).abs() < TimeDelta::minutes(5), "{seen}");
    assert_eq!(of(&all, Holder::Key(made.id)).last_used_at, Some(at));
    assert_eq!(of(&all, Holder::Principal(made.service)).last_used_at, Some(at));
    // Ninety days from then, to the microsecond.
    let key = of(&all, Holder::Key(made.id));
    assert!(key.is_stale(at + ACCESS_STALE_AFTER));
    assert!(!key.is_stale(at + ACCESS_STALE_AFTER - TimeDelta::microseconds(1)));
}

async fn second_factors_are_those_that_prove_something(world: &World<dyn Tx>) {
    let (owner, admin) = (world.caller(Level::TenantOwner), member(world, Level::TenantAdmin));
    let held = async || of(&review(world, &owner).await, person(world, Level::TenantAdmin)).factors;
    put(world, &app(world, admin)).await;
    assert_eq!(
        held().await,
        Some(HeldFactors::default()),
        "a pending app proves nothing"
    );
    confirmed(world, admin, 9).await;
    for credential in [1, 2] {
        assert!(put(world, &passkey(world, admin, credential)).await);
    }
    let codes: Vec<_> = RecoveryCode::set()
        .unwrap()
        .iter()
        .map(|code| code.hash(admin))
        .collect();
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    tx.put_recovery_codes(admin, &codes).await.unwrap();
    assert!(tx.use_recovery_code(admin, &codes[0]).await.unwrap());
    done(tx).await;
    let left = u32::try_from(codes.len()).unwrap() - 1;
    let all = HeldFactors {
        totp: true,
        passkeys: 2,
        recovery_codes: left,
    };
    assert_eq!(held().await, Some(all));
    let others = of(&review(world, &owner).await, person(world, Level::Operator));
    assert_eq!(others.factors, Some(HeldFactors::default()));
}

async fn a_device_is_its_carrier_s_who_is_not_told_when_it_was_used(world: &World<dyn Tx>) {
    let (owner, agent) = (world.caller(Level::TenantOwner), world.caller(Level::FieldAgent));
    let device = PrincipalId::new(PrincipalKind::Device, world.now);
    let proof = enlist(&authorize::<DeviceCreate>(&owner).unwrap(), device, world.ids.unit).unwrap();
    let new = NewDevice {
        name: "tablet".into(),
        owner: Some(agent.principal().id),
    };
    let mut tx = world.begin(&owner).await;
    assert!(tx.add_device(&proof, &new).await.unwrap());
    tx.give(world.ids.tenant, device, Level::FieldAgent, Some(world.ids.unit))
        .await
        .unwrap();
    done(tx).await;
    log_in(world, device).await;
    for (level, told) in [
        (Level::TenantAdmin, true),
        (Level::Supervisor, true),
        (Level::FieldAgent, false),
    ] {
        let line = of(&review(world, &world.caller(level)).await, Holder::Principal(device));
        assert_eq!((line.last_used_at.is_some(), line.factors), (told, None), "{level}");
        assert_eq!(
            (line.name.as_deref(), line.level),
            (Some("tablet"), told.then_some(Level::FieldAgent))
        );
    }
    let line = of(&review(world, &owner).await, Holder::Principal(device));
    assert_eq!(line.owner, Some(agent.principal().id));
}

cases!(
    a_device_is_its_carrier_s_who_is_not_told_when_it_was_used,
    second_factors_are_those_that_prove_something,
    from_level_four_everybody_of_the_tenant_is_there_in_order_and_nobody_else,
    below_level_four_there_is_nobody_but_oneself_and_one_s_unit_and_no_key,
    a_worker_reviews_nothing,
    pages_are_the_whole_cut_in_pieces,
    a_key_has_its_owner_and_is_worth_less_than_its_owner,
    a_revoked_key_and_a_deleted_person_have_no_access_and_the_disabled_may_get_it_back,
    an_expired_key_says_so,
    a_log_in_and_a_use_of_a_key_are_uses_and_nothing_else_is,
);

/// Whatever ids are asked about: no more is told than the caller sees.
#[tokio::test]
async fn the_function_that_tells_the_last_use_keeps_to_what_its_caller_sees() {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres_with_front(&db).await;
    let everybody: Vec<_> = [
        world.ids.principal(world.ids.tenant, Level::FieldAgent),
        world.ids.principal(world.ids.tenant, Level::Supervisor),
        world.ids.principal(world.ids.tenant, Level::TenantOwner),
        world.ids.principal(world.ids.other, Level::TenantOwner),
        world.ids.principal(world.ids.platform, Level::GlobalAdmin),
    ]
    .map(PrincipalId::uuid)
    .into();
    let told = async |caller: &OpContext| {
        let mut tx = db.store().begin(caller).await.unwrap();
        let count = sqlx::query_scalar::<_, i64>("select count(*) from gate.last_seen($1)").bind(&everybody);
        count.fetch_one(tx.conn()).await.unwrap()
    };
    for (level, count) in [
        (Level::FieldAgent, 1),
        (Level::Operator, 2),
        (Level::Supervisor, 2),
        (Level::TenantAdmin, 3),
        (Level::TenantOwner, 3),
        (Level::PlatformOperator, 1),
        (Level::GlobalAdmin, 1),
    ] {
        assert_eq!(told(&world.caller(level)).await, count, "{level}");
    }
    // Without a context it is as silent.
    let options = db.options(Role::App);
    let mut bare = options.connect().await.unwrap();
    let count = sqlx::query_scalar::<_, i64>("select count(*) from gate.last_seen($1)").bind(&everybody);
    assert_eq!(count.fetch_one(&mut bare).await.unwrap(), 0);
    db.drop().await;
}
