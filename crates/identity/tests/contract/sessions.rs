//! Sessions.
use chrono::TimeDelta;
use keepgate_identity::{
    ListSessions, LoggedIn, Logout, NewSession, RevokePrincipalSessions, RevokePrincipalSessionsError, RevokeSession,
    RevokeSessionError, SESSION_LIFE,
};
use keepgate_kernel::{Level, PrincipalId, SessionId};
use keepgate_policy::{Credential, OpContext};
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, cases, done, member, perform, reaching, with, worker};

fn new(world: &World<dyn Tx>, principal: PrincipalId) -> NewSession {
    NewSession {
        factors: keepgate_policy::Factors::One,
        id: SessionId::new(world.now),
        principal,
        expires_at: world.now + SESSION_LIFE,
    }
}

async fn open(world: &World<dyn Tx>, principal: PrincipalId) -> LoggedIn {
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    let opened = tx.open_session(&new(world, principal)).await.unwrap();
    done(tx).await;
    opened
}

fn session_of(caller: &OpContext) -> SessionId {
    let Credential::Session(id) = caller.credential() else {
        panic!("the cast has sessions")
    };
    id
}

fn customers() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|level| !level.is_platform())
}

async fn an_opened_session_has_the_live_level_and_unit_and_enters(world: &World<dyn Tx>) {
    for level in customers() {
        let caller = world.caller(level);
        let opened = open(world, caller.principal().id).await;
        assert_eq!(
            (opened.level, opened.unit, opened.tenant),
            (level, caller.principal().unit, world.ids.tenant)
        );
        let with_it = with(&caller, |_| {}, Credential::Session(opened.session));
        assert_eq!(
            world.begin(&with_it).await.me().await.unwrap().unwrap().session,
            Some(opened.session)
        );
    }
}

async fn a_session_lives_eight_hours_at_most(world: &World<dyn Tx>) {
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    let greedy = NewSession {
        expires_at: world.now + TimeDelta::days(9),
        ..new(world, member(world, Level::Operator))
    };
    let opened = tx.open_session(&greedy).await.unwrap();
    assert!(opened.expires_at <= world.now + SESSION_LIFE + TimeDelta::minutes(1));
}

async fn an_expired_session_is_refused(world: &World<dyn Tx>) {
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    let past = NewSession {
        expires_at: world.now - TimeDelta::seconds(1),
        ..new(world, member(world, Level::Operator))
    };
    tx.open_session(&past).await.unwrap();
    done(tx).await;
    let dead = with(&world.caller(Level::Operator), |_| {}, Credential::Session(past.id));
    assert!(matches!(world.store().begin(&dead).await, Err(StoreError::Revoked)));
}

async fn only_workers_open_sessions(world: &World<dyn Tx>) {
    for level in Level::ALL {
        let caller = world.caller(level);
        let result = world
            .begin(&caller)
            .await
            .open_session(&new(world, caller.principal().id))
            .await;
        assert!(matches!(result, Err(StoreError::Forbidden)), "{level}");
    }
}

async fn who_may_not_act_gets_no_session(world: &World<dyn Tx>) {
    let (admin, id) = (world.caller(Level::TenantAdmin), member(world, Level::Operator));
    let mut tx = world.begin(&admin).await;
    tx.set_principal_active(&reaching(&admin, id), false).await.unwrap();
    done(tx).await;
    let stranger = world.stranger(Level::Operator).principal().id;
    for nobody in [id, stranger] {
        let result = world
            .begin(&worker(world, world.ids.tenant))
            .await
            .open_session(&new(world, nobody))
            .await;
        assert!(matches!(result, Err(StoreError::Forbidden)));
    }
}

async fn a_revoked_session_is_refused_by_the_very_next_begin(world: &World<dyn Tx>) {
    for level in Level::ALL {
        let caller = world.caller(level);
        perform(
            world,
            &caller,
            &Logout {
                session: session_of(&caller),
            },
        )
        .await
        .unwrap();
        assert!(
            matches!(world.store().begin(&caller).await, Err(StoreError::Revoked)),
            "{level}"
        );
    }
}

async fn one_logs_out_of_one_s_own_session_only(world: &World<dyn Tx>) {
    let (admin, operator) = (world.caller(Level::TenantAdmin), world.caller(Level::Operator));
    assert!(
        perform(
            world,
            &admin,
            &Logout {
                session: session_of(&operator)
            }
        )
        .await
        .is_err()
    );
    world.begin(&operator).await;
}

async fn sessions_are_ended_by_their_owner_and_from_level_four_up_by_superiors(world: &World<dyn Tx>) {
    for own in customers() {
        for other in customers() {
            let opened = open(world, member(world, other)).await;
            let caller = world.caller(own);
            let result = perform(
                world,
                &caller,
                &RevokeSession {
                    session: opened.session,
                },
            )
            .await;
            let lawful = own == other || (own >= Level::TenantAdmin && other < own);
            assert_eq!(result.is_ok(), lawful, "{own} ends a session of {other}");
            assert!(lawful || matches!(result, Err(RevokeSessionError::NotFound)));
        }
    }
}

async fn sessions_of_another_tenant_are_out_of_reach(world: &World<dyn Tx>) {
    let stranger = world.stranger(Level::Operator);
    let owner = world.caller(Level::TenantOwner);
    assert!(
        perform(
            world,
            &owner,
            &RevokeSession {
                session: session_of(&stranger)
            }
        )
        .await
        .is_err()
    );
    let global = world.caller(Level::GlobalAdmin);
    assert!(
        perform(
            world,
            &global,
            &RevokeSession {
                session: session_of(&stranger)
            }
        )
        .await
        .is_err()
    );
    let list = ListSessions {
        principal: Some(stranger.principal().id),
        after: None,
        limit: 10,
    };
    assert!(perform(world, &owner, &list).await.unwrap().is_empty());
    world.begin(&stranger).await;
}

async fn a_list_shows_live_sessions_of_oneself_and_of_lower_levels(world: &World<dyn Tx>) {
    let opened = open(world, member(world, Level::Operator)).await;
    let list = |principal| ListSessions {
        principal,
        after: None,
        limit: 10,
    };
    let operator = world.caller(Level::Operator);
    assert_eq!(perform(world, &operator, &list(None)).await.unwrap().len(), 2);
    let of_operator = list(Some(operator.principal().id));
    assert_eq!(
        perform(world, &world.caller(Level::TenantAdmin), &of_operator)
            .await
            .unwrap()
            .len(),
        2
    );
    assert!(
        perform(world, &world.caller(Level::Supervisor), &of_operator)
            .await
            .unwrap()
            .is_empty()
    );
    let of_owner = list(Some(member(world, Level::TenantOwner)));
    assert!(
        perform(world, &world.caller(Level::TenantAdmin), &of_owner)
            .await
            .unwrap()
            .is_empty()
    );
    perform(
        world,
        &operator,
        &RevokeSession {
            session: opened.session,
        },
    )
    .await
    .unwrap();
    assert_eq!(perform(world, &operator, &list(None)).await.unwrap().len(), 1);
}

async fn sessions_come_in_pages(world: &World<dyn Tx>) {
    let operator = world.caller(Level::Operator);
    for _ in 0..3 {
        open(world, operator.principal().id).await;
    }
    let page = |after, limit| ListSessions {
        principal: None,
        after,
        limit,
    };
    let all = perform(world, &operator, &page(None, 10)).await.unwrap();
    let first = perform(world, &operator, &page(None, 3)).await.unwrap();
    let rest = perform(world, &operator, &page(first.last().map(|s| s.id), 3))
        .await
        .unwrap();
    assert_eq!((all.len(), [first, rest].concat()), (4, all));
}

async fn all_sessions_of_a_principal_end_together(world: &World<dyn Tx>) {
    let (admin, operator) = (world.caller(Level::TenantAdmin), world.caller(Level::Operator));
    open(world, operator.principal().id).await;
    let all = RevokePrincipalSessions {
        principal: operator.principal().id,
    };
    let refused = perform(world, &world.caller(Level::Supervisor), &all).await;
    assert!(matches!(refused, Err(RevokePrincipalSessionsError::OutOfReach)));
    assert_eq!(perform(world, &admin, &all).await.unwrap(), 2);
    assert!(matches!(world.store().begin(&operator).await, Err(StoreError::Revoked)));
    let owner = RevokePrincipalSessions {
        principal: member(world, Level::TenantOwner),
    };
    assert!(matches!(
        perform(world, &admin, &owner).await,
        Err(RevokePrincipalSessionsError::OutOfReach)
    ));
    let stranger = RevokePrincipalSessions {
        principal: world.stranger(Level::Operator).principal().id,
    };
    assert!(matches!(
        perform(world, &admin, &stranger).await,
        Err(RevokePrincipalSessionsError::NotFound)
    ));
}

async fn a_suspended_tenant_lets_nobody_in(world: &World<dyn Tx>) {
    let mut tx = world.begin(&world.caller(Level::GlobalAdmin)).await;
    tx.suspend(world.ids.tenant).await.unwrap();
    done(tx).await;
    for context in customers()
        .map(|level| world.caller(level))
        .chain([worker(world, world.ids.tenant)])
    {
        assert!(matches!(world.store().begin(&context).await, Err(StoreError::Revoked)));
    }
    world.begin(&world.stranger(Level::Operator)).await;
}

async fn a_session_is_worth_nothing_to_another_principal_or_tenant(world: &World<dyn Tx>) {
    let stolen = Credential::Session(session_of(&world.caller(Level::TenantOwner)));
    let thief = with(&world.caller(Level::Operator), |_| {}, stolen);
    assert!(matches!(world.store().begin(&thief).await, Err(StoreError::Revoked)));
    let elsewhere = with(
        &world.caller(Level::TenantOwner),
        |p| p.tenant = world.ids.other,
        stolen,
    );
    assert!(matches!(
        world.store().begin(&elsewhere).await,
        Err(StoreError::Revoked)
    ));
}

cases!(
    an_opened_session_has_the_live_level_and_unit_and_enters,
    a_session_lives_eight_hours_at_most,
    an_expired_session_is_refused,
    only_workers_open_sessions,
    who_may_not_act_gets_no_session,
    a_revoked_session_is_refused_by_the_very_next_begin,
    one_logs_out_of_one_s_own_session_only,
    sessions_are_ended_by_their_owner_and_from_level_four_up_by_superiors,
    sessions_of_another_tenant_are_out_of_reach,
    a_list_shows_live_sessions_of_oneself_and_of_lower_levels,
    sessions_come_in_pages,
    all_sessions_of_a_principal_end_together,
    a_suspended_tenant_lets_nobody_in,
    a_session_is_worth_nothing_to_another_principal_or_tenant,
);
