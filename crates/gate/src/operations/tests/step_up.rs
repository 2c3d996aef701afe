//! Proving oneself again, and what wants it.
use chrono::TimeDelta;
use keepgate_identity::{LoggedIn, RevokePrincipalSessions, RevokeSession};
use keepgate_kernel::{Action, Level, RequestId, SessionId};
use keepgate_policy::{Assurance, Credential, Denied, ErrorKind, Factors, OpContext, authorize, permissions, rule};

use super::{
    house::{House, PASSWORD, cases, context, now},
    second_factors::{add_app, code_of},
};
use crate::{Proofs, SecondAnswer};

const WRONG: ErrorKind = ErrorKind::Refused("invalid-credentials");
const STALE: ErrorKind = ErrorKind::Refused("step-up-required");

fn session(caller: &OpContext) -> SessionId {
    match caller.credential() {
        Credential::Session(session) => session,
        other => panic!("{other:?}"),
    }
}

/// `caller`, who proved itself six minutes ago.
#[expect(clippy::disallowed_methods, reason = "a test is its own gateway")]
fn stale(caller: &OpContext) -> OpContext {
    let proved = Assurance {
        at: now() - TimeDelta::minutes(6),
        factors: Factors::Two,
    };
    OpContext::authenticated(
        caller.principal().clone(),
        caller.credential(),
        Some(proved),
        None,
        RequestId::new(now()),
        now(),
    )
}

/// What somebody sends.
#[derive(Default)]
struct Sent {
    password: Option<&'static str>,
    second: Option<SecondAnswer>,
}

fn password(text: &'static str) -> Sent {
    Sent {
        password: Some(text),
        second: None,
    }
}

async fn step_up(house: &House, caller: &OpContext, sent: &Sent) -> Result<LoggedIn, ErrorKind> {
    let password = match sent.password {
        Some(text) => Some(house.desk.confirm_password(caller, &text.into()).await.unwrap()),
        None => None,
    };
    let second = sent.second.clone();
    let proofs = Proofs { password, second };
    let command = house.mfa.step_up(caller, session(caller), proofs).await.unwrap();
    house.behind(caller, &command).await
}

/// What the policy says of `caller` about every action.
fn decisions(caller: &OpContext) -> Vec<(Action, Option<Denied>)> {
    macro_rules! all { ($($name:ident $text:literal $what:literal;)*) => {
        vec![$((Action::$name, authorize::<permissions::$name>(caller).err()),)*]
    } }
    keepgate_kernel::for_each_action!(all)
}

async fn every_action_of_the_table_that_wants_it_is_refused_to_an_old_session_and_not_after_a_step_up(house: &House) {
    for level in Level::ALL.into_iter().filter(|level| !level.is_platform()) {
        let caller = stale(&house.caller(level));
        let renewed = context(&step_up(house, &caller, &password(PASSWORD)).await.unwrap());
        for ((action, before), (_, after)) in decisions(&caller).into_iter().zip(decisions(&renewed)) {
            let wants = rule(action).step_up && rule(action).levels.contains(level);
            assert_eq!(before == Some(Denied::StepUp), wants, "{level} {action}");
            assert_ne!(after, Some(Denied::StepUp), "{level} {action}");
        }
    }
}

async fn a_password_renews_the_session_where_there_is_no_factor(house: &House) {
    let operator = house.caller(Level::Operator);
    assert_eq!(
        step_up(house, &operator, &password("violet-harbour-8"))
            .await
            .unwrap_err(),
        WRONG
    );
    let renewed = step_up(house, &operator, &password(PASSWORD)).await.unwrap();
    assert_eq!(
        (renewed.factors, renewed.principal),
        (Factors::One, operator.principal().id)
    );
    assert!(!house.enters(&operator).await, "the old session is over");
    assert!(house.enters(&context(&renewed)).await);
    let again = step_up(house, &operator, &password(PASSWORD)).await;
    assert_eq!(again.unwrap_err(), ErrorKind::Revoked, "a dead session renews nothing");
}

async fn a_factor_on_record_is_demanded(house: &House) {
    let operator = house.caller(Level::Operator);
    let (secret, codes) = add_app(house, &operator).await;
    let missing = ErrorKind::Refused("second-factor-missing");
    assert_eq!(
        step_up(house, &operator, &password(PASSWORD)).await.unwrap_err(),
        missing
    );
    assert_eq!(step_up(house, &operator, &Sent::default()).await.unwrap_err(), missing);
    let both = |text: &'static str| Sent {
        password: Some(text),
        second: Some(SecondAnswer::Totp(code_of(&secret, operator.at()))),
    };
    assert_eq!(
        step_up(house, &operator, &both("violet-harbour-8")).await.unwrap_err(),
        WRONG
    );
    let renewed = step_up(house, &operator, &both(PASSWORD)).await.unwrap();
    assert_eq!(renewed.factors, Factors::Two);
    let operator = context(&renewed);
    let replayed = Sent {
        password: None,
        second: Some(SecondAnswer::Totp(code_of(&secret, house.caller(Level::Operator).at()))),
    };
    assert_eq!(step_up(house, &operator, &replayed).await.unwrap_err(), WRONG);
    let recovery = Sent {
        password: None,
        second: Some(SecondAnswer::Recovery(codes[3].expose().into())),
    };
    assert_eq!(
        step_up(house, &operator, &recovery).await.unwrap().factors,
        Factors::Two
    );
}

async fn failures_are_counted_and_close_the_door_of_the_step_up(house: &House) {
    let operator = house.caller(Level::Operator);
    add_app(house, &operator).await;
    let wrong = |password| Sent {
        password,
        second: Some(SecondAnswer::Recovery("aaaa-aaaa-aaaa-aaaa-aaaa-aaaa".into())),
    };
    // The right password forgives no wrong code.
    for password in [None, Some(PASSWORD)] {
        let mut tries = 0;
        while step_up(house, &operator, &wrong(password)).await.unwrap_err() == WRONG {
            tries += 1;
            assert!(tries < 20, "nobody counts");
        }
        let locked = step_up(house, &operator, &wrong(password)).await;
        assert_eq!(locked.unwrap_err(), ErrorKind::Refused("locked-out"));
    }
}

async fn ending_others_sessions_wants_a_fresh_proof_and_ending_one_s_own_does_not(house: &House) {
    let (admin, operator) = (house.caller(Level::TenantAdmin), house.caller(Level::Operator));
    let theirs = RevokeSession {
        session: session(&operator),
    };
    let all = RevokePrincipalSessions {
        principal: operator.principal().id,
    };
    assert_eq!(house.perform(&stale(&admin), &theirs).await.unwrap_err(), STALE);
    assert_eq!(house.perform(&stale(&admin), &all).await.unwrap_err(), STALE);
    assert!(house.enters(&operator).await);
    let renewed = step_up(house, &stale(&admin), &password(PASSWORD)).await.unwrap();
    house.perform(&context(&renewed), &all).await.unwrap();
    assert!(!house.enters(&operator).await);
    let own = RevokeSession {
        session: session(&context(&renewed)),
    };
    house.perform(&stale(&context(&renewed)), &own).await.unwrap();
}

async fn a_level_that_owes_a_factor_steps_up_to_owing(house: &House) {
    let admin = house.caller(Level::TenantAdmin);
    let entered = house
        .log_in_at(
            &format!("{}@example.org", Level::TenantAdmin),
            now() + TimeDelta::hours(25),
        )
        .await;
    assert_eq!(entered.unwrap().session().unwrap().factors, Factors::Owing);
    add_app(house, &admin).await;
    let refused = step_up(house, &admin, &password(PASSWORD)).await;
    assert_eq!(refused.unwrap_err(), ErrorKind::Refused("second-factor-missing"));
}

cases!(
    every_action_of_the_table_that_wants_it_is_refused_to_an_old_session_and_not_after_a_step_up,
    a_password_renews_the_session_where_there_is_no_factor,
    a_factor_on_record_is_demanded,
    failures_are_counted_and_close_the_door_of_the_step_up,
    ending_others_sessions_wants_a_fresh_proof_and_ending_one_s_own_does_not,
    a_level_that_owes_a_factor_steps_up_to_owing,
);
