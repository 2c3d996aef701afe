//! What the port of second factors promises.
use keepgate_identity::{
    Bucket, ChallengeHash, Demand, FactorKind, GRACE, MfaChallenge, MfaLevel, NewChallenge, NewFactor, Purpose,
    RecoveryCode, TRIES,
};
use keepgate_kernel::{FactorId, Level, PrincipalId, SessionId};
use keepgate_policy::OpContext;
use keepgate_store::{StoreError, testing::World};

use crate::passwords::phc;
use crate::support::{PHC, Tx, cases, done, done_unmarked, member, reaching, worker};

pub fn app(world: &World<dyn Tx>, principal: PrincipalId) -> NewFactor {
    NewFactor {
        id: FactorId::new(world.now),
        principal,
        kind: FactorKind::Totp,
        name: "app".into(),
        material: vec![7; 60],
        counter: 0,
        credential: None,
        confirmed: false,
    }
}

pub fn passkey(world: &World<dyn Tx>, principal: PrincipalId, credential: u8) -> NewFactor {
    NewFactor {
        kind: FactorKind::Passkey,
        credential: Some(vec![credential; 32]),
        confirmed: true,
        counter: 5,
        ..app(world, principal)
    }
}

pub async fn put(world: &World<dyn Tx>, new: &NewFactor) -> bool {
    let mut tx = world.begin(&world.worker()).await;
    let put = tx.put_factor(new).await.unwrap();
    done(tx).await;
    put
}

pub async fn confirmed(world: &World<dyn Tx>, principal: PrincipalId, step: i64) -> FactorId {
    let new = app(world, principal);
    put(world, &new).await;
    let mut tx = world.begin(&world.worker()).await;
    assert!(tx.confirm_totp(principal, new.id, step).await.unwrap());
    done(tx).await;
    new.id
}

fn challenge(world: &World<dyn Tx>, principal: PrincipalId) -> NewChallenge {
    NewChallenge {
        hash: MfaChallenge::random(world.ids.tenant).unwrap().hash(),
        principal,
        session: SessionId::new(world.now),
        bucket: Bucket::from_bytes(&[3; 32]),
        purpose: Purpose::Login,
        state: None,
    }
}

async fn asked(world: &World<dyn Tx>, principal: PrincipalId) -> ChallengeHash {
    let new = challenge(world, principal);
    let mut tx = world.begin(&world.worker()).await;
    tx.add_challenge(&new).await.unwrap();
    done(tx).await;
    new.hash
}

async fn tried(world: &World<dyn Tx>, hash: &ChallengeHash) -> bool {
    let mut tx = world.begin(&world.worker()).await;
    let found = tx.try_challenge(hash).await.unwrap();
    done_unmarked(tx).await.unwrap();
    found.is_some()
}

async fn a_standing_tells_level_grace_policy_and_factors(world: &World<dyn Tx>) {
    let admin = member(world, Level::TenantAdmin);
    let standing = async || {
        world
            .begin(&world.worker())
            .await
            .mfa_standing(admin)
            .await
            .unwrap()
            .unwrap()
    };
    let bare = standing().await;
    assert_eq!(
        (bare.level, bare.required_from.number(), bare.recovery_codes),
        (Level::TenantAdmin, 4, 0)
    );
    assert_eq!(
        bare.email.as_ref().map(|email| email.as_str().to_owned()),
        Some("tenant_admin@example.org".into())
    );
    assert!(bare.factors.is_empty());
    assert_eq!(bare.demand(bare.enrolled_at), Demand::Nothing);
    assert_eq!(bare.demand(bare.enrolled_at + GRACE), Demand::Owing);
    put(world, &app(world, admin)).await;
    assert!(standing().await.factors.is_empty(), "a pending app proves nothing");
    confirmed(world, admin, 9).await;
    assert_eq!(standing().await.factors, [FactorKind::Totp]);
    let stranger = world.stranger(Level::Operator).principal().id;
    assert!(
        world
            .begin(&world.worker())
            .await
            .mfa_standing(stranger)
            .await
            .unwrap()
            .is_none()
    );
}

async fn a_tenant_says_from_which_level(world: &World<dyn Tx>) {
    for (level, may) in [
        (Level::TenantAdmin, false),
        (Level::Operator, false),
        (Level::TenantOwner, true),
    ] {
        let mut tx = world.begin(&world.caller(level)).await;
        let set = tx.set_mfa_level(MfaLevel::from(Level::Operator)).await;
        assert_eq!(set.is_ok(), may, "{level}");
        if may {
            assert_eq!(tx.mfa_level().await.unwrap().number(), 2);
            done(tx).await;
        } else {
            assert!(matches!(set, Err(StoreError::Forbidden)), "{level}");
        }
    }
    let operator = member(world, Level::Operator);
    let standing = world.begin(&world.worker()).await.mfa_standing(operator).await.unwrap();
    assert!(standing.unwrap().is_required());
    let stranger = world.stranger(Level::TenantOwner);
    assert_eq!(
        world.begin(&stranger).await.mfa_level().await.unwrap(),
        MfaLevel::default()
    );
}

async fn a_pending_app_gives_way_to_the_next_and_a_confirmed_one_to_its_successor(world: &World<dyn Tx>) {
    let operator = member(world, Level::Operator);
    let (first, second) = (app(world, operator), app(world, operator));
    put(world, &first).await;
    put(world, &second).await;
    let mut tx = world.begin(&world.worker()).await;
    assert!(!tx.confirm_totp(operator, first.id, 1).await.unwrap(), "it gave way");
    assert!(tx.confirm_totp(operator, second.id, 1).await.unwrap());
    done(tx).await;
    let third = confirmed(world, operator, 2).await;
    let mut tx = world.begin(&world.worker()).await;
    let on_file = tx.factors_on_file(operator, FactorKind::Totp).await.unwrap();
    assert_eq!(
        on_file.iter().map(|app| (app.factor, app.counter)).collect::<Vec<_>>(),
        [(third, 2)]
    );
    assert!(tx.pending_totp(operator).await.unwrap().is_none());
    assert!(
        !tx.confirm_totp(operator, third, 3).await.unwrap(),
        "it is confirmed once"
    );
}

async fn a_step_is_used_once_and_none_before_it_again(world: &World<dyn Tx>) {
    let (operator, other) = (member(world, Level::Operator), member(world, Level::Supervisor));
    let id = confirmed(world, operator, 10).await;
    let mut tx = world.begin(&world.worker()).await;
    for (step, used) in [
        (10, false),
        (9, false),
        (12, true),
        (12, false),
        (11, false),
        (13, true),
    ] {
        assert_eq!(tx.use_totp(operator, id, step).await.unwrap(), used, "{step}");
    }
    assert!(!tx.use_totp(other, id, 99).await.unwrap(), "it is somebody else's");
    done(tx).await;
}

async fn a_passkey_s_count_grows_or_is_not_kept(world: &World<dyn Tx>) {
    let operator = member(world, Level::Operator);
    let kept = passkey(world, operator, 1);
    let none = NewFactor {
        counter: 0,
        ..passkey(world, operator, 2)
    };
    assert!(put(world, &kept).await && put(world, &none).await);
    let twice = passkey(world, member(world, Level::Supervisor), 1);
    assert!(!put(world, &twice).await, "a credential is somebody's alone");
    let mut tx = world.begin(&world.worker()).await;
    for (counter, used) in [(5, false), (4, false), (0, false), (6, true), (6, false)] {
        assert_eq!(
            tx.use_passkey(operator, kept.id, counter).await.unwrap(),
            used,
            "{counter}"
        );
    }
    for (counter, used) in [(0, true), (0, true), (1, true), (0, false)] {
        assert_eq!(
            tx.use_passkey(operator, none.id, counter).await.unwrap(),
            used,
            "{counter}"
        );
    }
    done(tx).await;
}

async fn a_credential_is_on_record_once_in_all_tenants(world: &World<dyn Tx>) {
    assert!(put(world, &passkey(world, member(world, Level::Operator), 1)).await);
    let platform = worker(world, world.ids.platform);
    let mut tx = world.begin(&platform).await;
    let admin = member(world, Level::GlobalAdmin);
    assert!(!tx.put_factor(&passkey(world, admin, 1)).await.unwrap());
    assert!(tx.put_factor(&passkey(world, admin, 2)).await.unwrap());
    done(tx).await;
}

async fn a_recovery_code_is_used_once_and_replaced_as_a_set(world: &World<dyn Tx>) {
    let (operator, other) = (member(world, Level::Operator), member(world, Level::Supervisor));
    let codes = RecoveryCode::set().unwrap();
    let hashes: Vec<_> = codes.iter().map(|code| code.hash(operator)).collect();
    let mut tx = world.begin(&world.worker()).await;
    tx.put_recovery_codes(operator, &hashes).await.unwrap();
    assert!(!tx.use_recovery_code(other, &hashes[0]).await.unwrap());
    assert!(tx.use_recovery_code(operator, &hashes[0]).await.unwrap());
    assert!(!tx.use_recovery_code(operator, &hashes[0]).await.unwrap());
    assert_eq!(tx.mfa_standing(operator).await.unwrap().unwrap().recovery_codes, 9);
    tx.put_recovery_codes(operator, &hashes[..2]).await.unwrap();
    assert!(!tx.use_recovery_code(operator, &hashes[5]).await.unwrap());
    done(tx).await;
}

async fn a_challenge_is_looked_at_five_times_and_used_once(world: &World<dyn Tx>) {
    let hash = asked(world, member(world, Level::Operator)).await;
    for _ in 0..TRIES {
        assert!(tried(world, &hash).await);
    }
    assert!(!tried(world, &hash).await);
    let mut tx = world.begin(&world.worker()).await;
    assert!(
        tx.use_challenge(&hash).await.unwrap(),
        "the fifth look may have been the right one"
    );
    assert!(!tx.use_challenge(&hash).await.unwrap());
    done(tx).await;
    let stranger = worker(world, world.ids.other);
    let other = asked(world, member(world, Level::Operator)).await;
    assert!(
        world
            .begin(&stranger)
            .await
            .try_challenge(&other)
            .await
            .unwrap()
            .is_none()
    );
}

async fn open_challenges_end_with_the_password_that_began_them(world: &World<dyn Tx>) {
    let (mine, other) = (member(world, Level::Operator), member(world, Level::TenantAdmin));
    let tenant = worker(world, world.ids.tenant);
    let (ended, kept) = (challenge(world, mine), challenge(world, other));
    let mut tx = world.begin(&tenant).await;
    tx.add_challenge(&ended).await.unwrap();
    tx.add_challenge(&kept).await.unwrap();
    done_unmarked(tx).await.unwrap();
    let mut tx = world.begin(&tenant).await;
    tx.end_challenges(mine).await.unwrap();
    done_unmarked(tx).await.expect("bookkeeping");
    let mut tx = world.begin(&tenant).await;
    assert!(tx.try_challenge(&ended.hash).await.unwrap().is_none());
    assert!(!tx.use_challenge(&ended.hash).await.unwrap());
    assert!(tx.try_challenge(&kept.hash).await.unwrap().is_some(), "somebody else's");
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    assert!(matches!(tx.end_challenges(other).await, Err(StoreError::Forbidden)));
}

async fn a_changed_password_ends_the_challenges_of_its_owner(world: &World<dyn Tx>) {
    let caller = world.caller(Level::Operator);
    let (mine, tenant) = (member(world, Level::Operator), worker(world, world.ids.tenant));
    let (before, after) = (phc(PHC), phc(&PHC.replace("t=2", "t=3")));
    let open = challenge(world, mine);
    let mut tx = world.begin(&tenant).await;
    tx.put_password(mine, &before).await.unwrap();
    tx.add_challenge(&open).await.unwrap();
    done(tx).await;
    let mut tx = world.begin(&caller).await;
    assert!(tx.renew_password(&before, &after).await.unwrap());
    done(tx).await;
    let mut tx = world.begin(&tenant).await;
    assert!(tx.try_challenge(&open.hash).await.unwrap().is_none());
}

async fn a_challenge_carries_what_it_was_given(world: &World<dyn Tx>) {
    let new = NewChallenge {
        state: Some(vec![9; 40]),
        purpose: Purpose::StepUp,
        ..challenge(world, member(world, Level::Operator))
    };
    let mut tx = world.begin(&world.worker()).await;
    tx.add_challenge(&new).await.unwrap();
    let found = tx.try_challenge(&new.hash).await.unwrap().unwrap();
    assert_eq!(
        (found.principal, found.session, found.bucket, found.purpose, found.state),
        (new.principal, new.session, new.bucket, new.purpose, new.state)
    );
}

async fn the_disabled_answer_no_challenge(world: &World<dyn Tx>) {
    let (admin, operator) = (world.caller(Level::TenantAdmin), member(world, Level::Operator));
    let hash = asked(world, operator).await;
    for active in [false, true] {
        let mut tx = world.begin(&admin).await;
        tx.set_principal_active(&reaching(&admin, operator), active)
            .await
            .unwrap();
        done(tx).await;
        assert!(!tried(world, &hash).await, "active: {active}");
    }
}

async fn two_who_use_a_code_at_once_use_it_once(world: &World<dyn Tx>) {
    let operator = member(world, Level::Operator);
    let id = confirmed(world, operator, 1).await;
    let spend = async || {
        let mut tx = world.begin(&world.worker()).await;
        let used = tx.use_totp(operator, id, 5).await.unwrap();
        crate::support::settle(tx).await.is_ok() && used
    };
    let (one, other) = tokio::join!(spend(), spend());
    assert!(one ^ other, "{one} {other}");
}

async fn a_reset_takes_everything_from_lower_levels_only(world: &World<dyn Tx>) {
    let (operator, owner) = (member(world, Level::Operator), member(world, Level::TenantOwner));
    confirmed(world, operator, 1).await;
    put(world, &passkey(world, operator, 8)).await;
    confirmed(world, owner, 1).await;
    let hash = asked(world, operator).await;
    let admin = world.caller(Level::TenantAdmin);
    let lied = world.begin(&admin).await.reset_factors(&reaching(&admin, owner)).await;
    assert!(
        matches!(lied, Err(StoreError::Forbidden)),
        "the proof was minted for a level it has not"
    );
    let mut tx = world.begin(&admin).await;
    assert_eq!(tx.reset_factors(&reaching(&admin, operator)).await.unwrap(), 2);
    done(tx).await;
    assert!(!tried(world, &hash).await);
    let mut tx = world.begin(&world.worker()).await;
    assert!(tx.factors(operator).await.unwrap().is_empty());
    assert_eq!(tx.factors(owner).await.unwrap().len(), 1);
}

async fn nobody_but_the_front_desk_reads_or_writes(world: &World<dyn Tx>) {
    let operator = member(world, Level::Operator);
    let id = confirmed(world, operator, 1).await;
    let hash = asked(world, operator).await;
    let refused = |result: Result<bool, StoreError>| matches!(result, Err(StoreError::Forbidden));
    for level in Level::ALL {
        let caller: OpContext = world.caller(level);
        let mut tx = world.begin(&caller).await;
        assert!(refused(tx.mfa_standing(operator).await.map(|_| true)), "{level}");
        assert!(refused(tx.factors(operator).await.map(|_| true)), "{level}");
        assert!(
            refused(tx.factors_on_file(operator, FactorKind::Totp).await.map(|_| true)),
            "{level}"
        );
        assert!(refused(tx.pending_totp(operator).await.map(|_| true)), "{level}");
        assert!(refused(tx.put_factor(&app(world, operator)).await), "{level}");
        assert!(refused(tx.confirm_totp(operator, id, 2).await), "{level}");
        assert!(refused(tx.use_totp(operator, id, 2).await), "{level}");
        assert!(refused(tx.remove_factor(operator, id).await), "{level}");
        assert!(
            refused(tx.put_recovery_codes(operator, &[]).await.map(|()| true)),
            "{level}"
        );
        assert!(refused(tx.try_challenge(&hash).await.map(|_| true)), "{level}");
        assert!(refused(tx.use_challenge(&hash).await), "{level}");
    }
    let elsewhere = worker(world, world.ids.other);
    let mut tx = world.begin(&elsewhere).await;
    assert!(tx.factors(operator).await.unwrap().is_empty());
    assert!(!tx.use_totp(operator, id, 50).await.unwrap());
}

cases!(
    a_standing_tells_level_grace_policy_and_factors,
    a_tenant_says_from_which_level,
    a_pending_app_gives_way_to_the_next_and_a_confirmed_one_to_its_successor,
    a_step_is_used_once_and_none_before_it_again,
    a_passkey_s_count_grows_or_is_not_kept,
    a_credential_is_on_record_once_in_all_tenants,
    a_recovery_code_is_used_once_and_replaced_as_a_set,
    a_challenge_is_looked_at_five_times_and_used_once,
    a_challenge_carries_what_it_was_given,
    open_challenges_end_with_the_password_that_began_them,
    a_changed_password_ends_the_challenges_of_its_owner,
    the_disabled_answer_no_challenge,
    two_who_use_a_code_at_once_use_it_once,
    a_reset_takes_everything_from_lower_levels_only,
    nobody_but_the_front_desk_reads_or_writes,
);
