//! What every change that kills a credential leaves behind, and what an order to kill does.
use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use keepgate_identity::{
    Batch, Killed, LoggedIn, NewSession, Presented, Revocation, RevocationMirror, RevocationView, Revoke, RevokeError,
    Revoked, Sight, Target,
};
use keepgate_kernel::{KeyId, Level, PrincipalId, SessionId, TenantId};
use keepgate_policy::{Credential, Factors, OpContext, authorize};
use keepgate_store::{Begin, StoreError, testing::World};

use crate::support::{Tx, bearing, cases, done, key, member, perform, reaching, settle, user, worker};

fn platform_worker(world: &World<dyn Tx>) -> OpContext {
    worker(world, world.ids.platform)
}

async fn after(world: &World<dyn Tx>, seq: u64) -> Batch {
    let mut tx = world.begin(&platform_worker(world)).await;
    tx.revocations_after(seq, 1000).await.unwrap()
}

async fn head(world: &World<dyn Tx>) -> u64 {
    after(world, 0).await.head
}

/// What came to be known since `seq`.
async fn since(world: &World<dyn Tx>, seq: u64) -> Vec<Revoked> {
    let batch = after(world, seq).await;
    batch.revocations.into_iter().map(|one| one.what).collect()
}

async fn open(world: &World<dyn Tx>, principal: PrincipalId) -> LoggedIn {
    let new = NewSession {
        id: SessionId::new(world.now),
        principal,
        factors: Factors::One,
        expires_at: world.now + TimeDelta::hours(8),
    };
    let mut tx = world.begin(&world.worker()).await;
    let opened = tx.open_session(&new).await.unwrap();
    done(tx).await;
    opened
}

/// A copy that has just read everything.
async fn mirror(world: &World<dyn Tx>) -> RevocationMirror {
    let (mirror, batch) = (RevocationMirror::new(), after(world, 0).await);
    mirror.learn(&batch.revocations, batch.head, tokio::time::Instant::now());
    mirror
}

fn presented(session: &LoggedIn) -> Presented {
    Presented {
        tenant: session.tenant,
        principal: session.principal.uuid(),
        credential: Credential::Session(session.session),
        kid: Some("k".into()),
        seen: session.rev,
    }
}

async fn sight(world: &World<dyn Tx>, session: &LoggedIn) -> Sight {
    mirror(world).await.sight(&presented(session))
}

fn order(target: Target) -> Revoke {
    Revoke {
        target,
        reason: "laptop stolen".into(),
        spare: None,
    }
}

fn admin(world: &World<dyn Tx>) -> OpContext {
    world.caller(Level::GlobalAdmin)
}

fn owner(world: &World<dyn Tx>) -> OpContext {
    world.caller(Level::TenantOwner)
}

async fn a_session_that_is_revoked_is_told_once_with_the_next_number(world: &World<dyn Tx>) {
    let before = head(world).await;
    let session = open(world, member(world, Level::Operator)).await;
    assert_eq!(
        (session.rev, head(world).await),
        (before, before),
        "opening revokes nothing"
    );
    let mut tx = world.begin(&world.caller(Level::Operator)).await;
    assert!(tx.revoke_session(session.session).await.unwrap());
    assert!(!tx.revoke_session(session.session).await.unwrap(), "it is dead already");
    done(tx).await;
    let batch = after(world, before).await;
    assert_eq!(batch.head, before + 1);
    let [Revocation { seq, what, expires_at }] = &batch.revocations[..] else {
        panic!("{batch:?}")
    };
    assert_eq!((*seq, what), (before + 1, &Revoked::Session(session.session)));
    assert!(*expires_at >= session.expires_at, "not forgotten while its token lives");
    assert_eq!(sight(world, &session).await, Sight::Dead);
}

async fn what_is_rolled_back_revokes_nothing(world: &World<dyn Tx>) {
    let (before, session) = (head(world).await, open(world, member(world, Level::Operator)).await);
    let mut tx = world.begin(&world.caller(Level::Operator)).await;
    assert!(tx.revoke_session(session.session).await.unwrap());
    drop(tx);
    assert_eq!(head(world).await, before);
    assert_eq!(sight(world, &session).await, Sight::Live);
}

async fn a_disabled_or_deleted_principal_s_sessions_are_dead_and_those_after_are_not(world: &World<dyn Tx>) {
    let admin = world.caller(Level::TenantAdmin);
    let id = user(world, "x@example.org", Level::Operator).await;
    let old = open(world, id).await;
    for active in [false, true] {
        let mut tx = world.begin(&admin).await;
        tx.set_principal_active(&reaching(&admin, id), active).await.unwrap();
        done(tx).await;
    }
    let new = open(world, id).await;
    assert_eq!(
        (sight(world, &old).await, sight(world, &new).await),
        (Sight::Dead, Sight::Live)
    );
    let mut tx = world.begin(&admin).await;
    tx.delete_principal(&reaching(&admin, id)).await.unwrap();
    done(tx).await;
    assert_eq!(sight(world, &new).await, Sight::Dead);
}

async fn a_revoked_or_rotated_key_and_one_whose_owner_went_is_told(world: &World<dyn Tx>) {
    let (owner, admin) = (owner(world), world.caller(Level::TenantAdmin));
    let issued = key(world, Level::Operator, |_| ()).await;
    let before = head(world).await;
    let mut tx = world.begin(&owner).await;
    let proof = reaching(&owner, issued.service);
    assert!(
        tx.rotate_api_key(&proof, issued.id, &issued.phc, Duration::from_secs(60))
            .await
            .unwrap()
    );
    done(tx).await;
    assert!(since(world, before).await.contains(&Revoked::Key(issued.id)));
    let before = head(world).await;
    let mut tx = world.begin(&owner).await;
    assert!(tx.revoke_api_key(issued.id).await.unwrap());
    done(tx).await;
    assert_eq!(since(world, before).await, [Revoked::Key(issued.id)]);

    let owned = crate::support::key_of(world, &admin, Level::Operator, |_| ()).await;
    let before = head(world).await;
    let mut tx = world.begin(&owner).await;
    tx.set_principal_active(&reaching(&owner, admin.principal().id), false)
        .await
        .unwrap();
    done(tx).await;
    let told = since(world, before).await;
    assert!(told.contains(&Revoked::Key(owned.id)), "{told:?}");
    assert!(told.contains(&Revoked::Principal(admin.principal().id.uuid())));
}

async fn the_use_of_a_key_is_no_news(world: &World<dyn Tx>) {
    let issued = key(world, Level::Operator, |_| ()).await;
    let before = head(world).await;
    let mut tx = world.begin(&crate::support::worker(world, world.ids.platform)).await;
    let used = crate::key_terms::used(&issued, world.now, false);
    tx.touch_api_keys(&[used]).await.unwrap();
    done(tx).await;
    assert_eq!(head(world).await, before);
}

async fn only_the_platform_s_worker_reads_the_list(world: &World<dyn Tx>) {
    for who in [admin(world), owner(world)] {
        let mut tx = world.begin(&who).await;
        assert!(matches!(tx.revocations_after(0, 10).await, Err(StoreError::Forbidden)));
        drop(tx);
        let mut tx = world.begin(&who).await;
        assert!(matches!(tx.sweep_revocations().await, Err(StoreError::Forbidden)));
    }
    let mut tx = world.begin(&world.worker()).await;
    assert!(matches!(tx.revocations_after(0, 10).await, Err(StoreError::Forbidden)));
}

async fn a_reading_goes_on_where_the_one_before_ended(world: &World<dyn Tx>) {
    let before = head(world).await;
    for _ in 0..3 {
        let session = open(world, member(world, Level::Operator)).await;
        perform(world, &owner(world), &order(Target::Session(session.session)))
            .await
            .unwrap();
    }
    let mut tx = world.begin(&platform_worker(world)).await;
    let part = tx.revocations_after(before, 2).await.unwrap();
    let numbers: Vec<u64> = part.revocations.iter().map(|one| one.seq).collect();
    assert_eq!((numbers, part.head), (vec![before + 1, before + 2], before + 3));
    let rest = tx.revocations_after(before + 2, 2).await.unwrap();
    assert_eq!((rest.revocations.len(), rest.head), (1, before + 3));
    let none = tx.revocations_after(before + 3, 2).await.unwrap();
    assert_eq!((none.revocations.len(), none.head), (0, before + 3));
    assert_eq!(tx.sweep_revocations().await.unwrap(), 0, "nothing has ended yet");
}

async fn numbers_are_without_gaps_however_many_revoke_at_once(world: &World<dyn Tx>) {
    let before = head(world).await;
    let mut sessions = Vec::new();
    for _ in 0..12 {
        sessions.push(open(world, member(world, Level::Operator)).await);
    }
    let store = world.store();
    let revoke = |session: SessionId| {
        let (store, caller): (Arc<dyn Begin<dyn Tx>>, OpContext) = (store.clone(), owner(world));
        tokio::spawn(async move {
            for _ in 0..100 {
                let mut tx = store.begin(&caller).await.unwrap();
                assert!(tx.revoke_session(session).await.unwrap());
                match settle(tx).await {
                    Ok(()) => return,
                    Err(StoreError::Conflict) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
            panic!("never won");
        })
    };
    let running: Vec<_> = sessions.iter().map(|session| revoke(session.session)).collect();
    for one in running {
        one.await.unwrap();
    }
    let batch = after(world, before).await;
    let numbers: Vec<u64> = batch.revocations.iter().map(|one| one.seq).collect();
    assert_eq!(numbers, (before + 1..=before + 12).collect::<Vec<_>>());
    assert_eq!(batch.head, before + 12);
}

async fn an_owner_revokes_a_principal_with_its_sessions_and_keys(world: &World<dyn Tx>) {
    let id = user(world, "x@example.org", Level::TenantAdmin).await;
    let session = open(world, id).await;
    let killed = perform(world, &owner(world), &order(Target::Principal(id)))
        .await
        .unwrap();
    assert_eq!(killed, Killed { sessions: 1, keys: 0 });
    assert_eq!(sight(world, &session).await, Sight::Dead);
    assert_eq!(
        sight(world, &open(world, id).await).await,
        Sight::Live,
        "it may log in again"
    );
    let issued = key(world, Level::Operator, |_| ()).await;
    let killed = perform(world, &owner(world), &order(Target::Principal(issued.service)))
        .await
        .unwrap();
    assert_eq!(killed, Killed { sessions: 0, keys: 1 });
    assert!(
        world
            .store()
            .begin(&bearing(world, &issued, Level::Operator))
            .await
            .is_err()
    );
    let peer = world.stranger(Level::Operator).principal().id;
    let stranger = perform(world, &owner(world), &order(Target::Principal(peer))).await;
    assert!(matches!(stranger, Err(RevokeError::NotFound)));
}

async fn an_owner_revokes_its_tenant_and_no_other(world: &World<dyn Tx>) {
    let issued = key(world, Level::Operator, |_| ()).await;
    let session = open(world, member(world, Level::Operator)).await;
    let before = head(world).await;
    let killed = perform(world, &owner(world), &order(Target::Tenant(world.ids.tenant)))
        .await
        .unwrap();
    assert!(killed.sessions >= 2 && killed.keys == 1, "{killed:?}");
    assert_eq!(
        since(world, before).await,
        [Revoked::Tenant(world.ids.tenant)],
        "one line says it all"
    );
    assert_eq!(sight(world, &session).await, Sight::Dead);
    for caller in [owner(world), bearing(world, &issued, Level::Operator)] {
        assert!(matches!(world.store().begin(&caller).await, Err(StoreError::Revoked)));
    }
    assert_eq!(
        sight(world, &open(world, member(world, Level::Operator)).await).await,
        Sight::Live
    );
    let stranger = world.stranger(Level::TenantOwner);
    assert!(world.store().begin(&stranger).await.is_ok(), "the other tenant goes on");
    let foreign = perform(world, &stranger, &order(Target::Tenant(world.ids.tenant))).await;
    assert!(matches!(foreign, Err(RevokeError::NotFound)));
    let nowhere = perform(world, &admin(world), &order(Target::Tenant(TenantId::new(world.now)))).await;
    assert!(matches!(nowhere, Err(RevokeError::NotFound)));
    perform(world, &admin(world), &order(Target::Tenant(world.ids.other)))
        .await
        .unwrap();
    assert!(world.store().begin(&stranger).await.is_err());
}

async fn only_a_global_admin_revokes_everything(world: &World<dyn Tx>) {
    let issued = key(world, Level::Operator, |_| ()).await;
    let session = open(world, member(world, Level::Operator)).await;
    let refused = perform(world, &owner(world), &order(Target::All)).await;
    assert!(matches!(refused, Err(RevokeError::OutOfReach)));
    let before = head(world).await;
    let killed = perform(world, &admin(world), &order(Target::All)).await.unwrap();
    assert!(killed.sessions >= 13, "{killed:?}");
    assert_eq!(since(world, before).await, [Revoked::All]);
    assert_eq!(sight(world, &session).await, Sight::Dead);
    for caller in [owner(world), admin(world), world.stranger(Level::Operator)] {
        assert!(matches!(world.store().begin(&caller).await, Err(StoreError::Revoked)));
    }
    assert!(
        world
            .store()
            .begin(&bearing(world, &issued, Level::Operator))
            .await
            .is_ok(),
        "keys are no tokens"
    );
}

async fn the_ports_themselves_refuse_who_is_not_entitled(world: &World<dyn Tx>) {
    let (owner, stranger) = (owner(world), world.stranger(Level::TenantOwner));
    let proof = authorize(&owner).unwrap();
    let mut tx = world.begin(&owner).await;
    assert!(matches!(tx.revoke_all(&proof).await, Err(StoreError::Forbidden)));
    let mut tx = world.begin(&owner).await;
    assert!(matches!(
        tx.revoke_kid(&proof, "kkkkkkkkkkkkkkkk").await,
        Err(StoreError::Forbidden)
    ));
    let mut tx = world.begin(&stranger).await;
    assert!(matches!(
        tx.revoke_tenant(&proof, world.ids.tenant).await,
        Err(StoreError::Forbidden)
    ));
}

async fn an_order_has_a_reason_and_something_to_kill(world: &World<dyn Tx>) {
    let session = open(world, member(world, Level::Operator)).await;
    for reason in [String::new(), "x".repeat(201), "a\nb".into()] {
        let order = Revoke {
            reason,
            ..order(Target::Session(session.session))
        };
        let refused = perform(world, &owner(world), &order).await;
        assert!(matches!(refused, Err(RevokeError::InvalidReason)));
    }
    for target in [
        Target::Session(SessionId::new(world.now)),
        Target::Key(KeyId::new(world.now)),
        Target::Principal(PrincipalId::new(keepgate_kernel::PrincipalKind::User, world.now)),
    ] {
        let refused = perform(world, &owner(world), &order(target)).await;
        assert!(matches!(refused, Err(RevokeError::NotFound)));
    }
    let killed = perform(world, &owner(world), &order(Target::Session(session.session)))
        .await
        .unwrap();
    assert_eq!(killed, Killed { sessions: 1, keys: 0 });
}

cases!(
    a_session_that_is_revoked_is_told_once_with_the_next_number,
    what_is_rolled_back_revokes_nothing,
    a_disabled_or_deleted_principal_s_sessions_are_dead_and_those_after_are_not,
    a_revoked_or_rotated_key_and_one_whose_owner_went_is_told,
    the_use_of_a_key_is_no_news,
    only_the_platform_s_worker_reads_the_list,
    a_reading_goes_on_where_the_one_before_ended,
    numbers_are_without_gaps_however_many_revoke_at_once,
    an_owner_revokes_a_principal_with_its_sessions_and_keys,
    an_owner_revokes_its_tenant_and_no_other,
    only_a_global_admin_revokes_everything,
    the_ports_themselves_refuse_who_is_not_entitled,
    an_order_has_a_reason_and_something_to_kill,
);
