//! A password too short to be the only factor stands beside a second one, whatever is asked of the store.
use keepgate_identity::{FactorKind, NewFactor, Phc};
use keepgate_kernel::{FactorId, Level, PrincipalId};
use keepgate_store::{StoreError, testing::World};

use crate::support::{PHC, Tx, cases, done, member, reaching, settle};

fn short() -> Phc {
    Phc::parse(PHC.into()).unwrap().of_short(true)
}

fn long() -> Phc {
    Phc::parse(PHC.replace("t=2", "t=3")).unwrap()
}

async fn pending(world: &World<dyn Tx>, principal: PrincipalId) -> FactorId {
    let new = NewFactor {
        id: FactorId::new(world.now),
        principal,
        kind: FactorKind::Totp,
        name: "app".into(),
        material: vec![7; 60],
        counter: 0,
        credential: None,
        confirmed: false,
    };
    let mut tx = world.begin(&world.worker()).await;
    assert!(tx.put_factor(&new).await.unwrap());
    done(tx).await;
    new.id
}

async fn app(world: &World<dyn Tx>, principal: PrincipalId) -> FactorId {
    let id = pending(world, principal).await;
    let mut tx = world.begin(&world.worker()).await;
    assert!(tx.confirm_totp(principal, id, 1).await.unwrap());
    done(tx).await;
    id
}

async fn set(world: &World<dyn Tx>, principal: PrincipalId, phc: &Phc) -> Result<(), StoreError> {
    let mut tx = world.begin(&world.worker()).await;
    tx.put_password(principal, phc).await?;
    settle(tx).await
}

async fn on_file(world: &World<dyn Tx>, principal: PrincipalId) -> Option<Phc> {
    world.begin(&world.worker()).await.password(principal).await.unwrap()
}

async fn remove(world: &World<dyn Tx>, principal: PrincipalId, factor: FactorId) -> Result<(), StoreError> {
    let mut tx = world.begin(&world.worker()).await;
    tx.remove_factor(principal, factor).await?;
    settle(tx).await
}

const fn is_forbidden<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Forbidden))
}

async fn a_short_one_needs_a_confirmed_factor(world: &World<dyn Tx>) {
    let who = member(world, Level::Operator);
    assert!(is_forbidden(&set(world, who, &short()).await));
    let id = pending(world, who).await;
    assert!(
        is_forbidden(&set(world, who, &short()).await),
        "a pending one proves nothing"
    );
    let other = member(world, Level::Supervisor);
    app(world, other).await;
    assert!(
        is_forbidden(&set(world, who, &short()).await),
        "nor does somebody else's"
    );
    let mut tx = world.begin(&world.worker()).await;
    tx.confirm_totp(who, id, 1).await.unwrap();
    done(tx).await;
    set(world, who, &short()).await.unwrap();
    assert!(on_file(world, who).await.unwrap().is_short());
    set(world, who, &long()).await.unwrap();
    assert!(!on_file(world, who).await.unwrap().is_short());
}

async fn a_session_sets_its_own_under_the_same_rule(world: &World<dyn Tx>) {
    let who = member(world, Level::Operator);
    set(world, who, &long()).await.unwrap();
    let renew = async || {
        let mut tx = world.begin(&world.caller(Level::Operator)).await;
        let renewed = tx.renew_password(&long(), &short()).await?;
        settle(tx).await.map(|()| renewed)
    };
    assert!(is_forbidden(&renew().await));
    app(world, who).await;
    assert!(renew().await.unwrap());
    assert!(on_file(world, who).await.unwrap().is_short());
}

async fn the_last_factor_stays_beside_it_and_gives_way_to_the_next(world: &World<dyn Tx>) {
    let who = member(world, Level::Operator);
    let first = app(world, who).await;
    set(world, who, &short()).await.unwrap();
    assert!(is_forbidden(&remove(world, who, first).await));
    let second = app(world, who).await;
    assert!(is_forbidden(&remove(world, who, second).await));
    set(world, who, &long()).await.unwrap();
    remove(world, who, second).await.unwrap();
}

async fn a_password_set_and_a_factor_removed_at_once_see_each_other(world: &World<dyn Tx>) {
    let who = member(world, Level::Operator);
    set(world, who, &long()).await.unwrap();
    for factor_first in [false, true] {
        let factor = app(world, who).await;
        set(world, who, &long()).await.unwrap();
        let mut setting = world.begin(&world.worker()).await;
        let mut removing = world.begin(&world.worker()).await;
        setting.put_password(who, &short()).await.unwrap();
        removing.remove_factor(who, factor).await.unwrap();
        let (set, removed) = if factor_first {
            let removed = settle(removing).await.is_ok();
            (settle(setting).await.is_ok(), removed)
        } else {
            (settle(setting).await.is_ok(), settle(removing).await.is_ok())
        };
        assert!(!(set && removed), "a short password stands alone");
    }
}

async fn with_the_factors_that_an_admin_takes_away_it_goes_too(world: &World<dyn Tx>) {
    let admin = world.caller(Level::TenantAdmin);
    for (level, phc, stays) in [(Level::Operator, short(), false), (Level::Supervisor, long(), true)] {
        let who = member(world, level);
        app(world, who).await;
        set(world, who, &phc).await.unwrap();
        let mut tx = world.begin(&admin).await;
        assert_eq!(tx.reset_factors(&reaching(&admin, who)).await.unwrap(), 1);
        done(tx).await;
        assert_eq!(on_file(world, who).await.is_some(), stays, "{level}");
    }
}

cases!(
    a_short_one_needs_a_confirmed_factor,
    a_session_sets_its_own_under_the_same_rule,
    the_last_factor_stays_beside_it_and_gives_way_to_the_next,
    a_password_set_and_a_factor_removed_at_once_see_each_other,
    with_the_factors_that_an_admin_takes_away_it_goes_too,
);
