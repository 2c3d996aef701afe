//! Log-in in two steps, from the first code of an app to the last recovery code.
use aws_lc_rs::hmac;
use chrono::TimeDelta;
use data_encoding::BASE32_NOPAD;
use keepgate_identity::{
    Challenged, EnrolTotp, Entered, FactorKind, ListFactors, MfaLevel, RecoveryCode, RemoveFactor, RenewRecoveryCodes,
    ResetMfa, UpdateTenantPolicy,
};
use keepgate_kernel::{Level, RequestId, Timestamp};
use keepgate_policy::{ErrorKind, Factors, OpContext};
use secrecy::{ExposeSecret, SecretString};

use super::house::{House, cases, context, now};
use crate::{SecondAnswer, Visit};

/// An authenticator app, written here from RFC 6238 a second time.
pub fn code_of(secret: &SecretString, at: Timestamp) -> SecretString {
    let seed = BASE32_NOPAD.decode(secret.expose_secret().as_bytes()).unwrap();
    let step = u64::try_from(at.timestamp() / 30).unwrap();
    let mac = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &seed),
        &step.to_be_bytes(),
    );
    let mac = mac.as_ref();
    let from = usize::from(mac[19] & 15);
    let number = u32::from_be_bytes(mac[from..from + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000).into()
}

/// Adds an app to `caller`: its secret and the recovery codes. The code of one step ago is used up.
pub async fn add_app(house: &House, caller: &OpContext) -> (SecretString, Vec<RecoveryCode>) {
    let pending = house.mfa.begin_totp(caller).await.unwrap();
    let secret = pending.secret.clone();
    house.behind(caller, &EnrolTotp { pending }).await.unwrap();
    let code = code_of(&secret, caller.at() - TimeDelta::seconds(30));
    let command = house.mfa.confirm_totp(caller, &code).await.unwrap();
    (secret, house.behind(caller, &command).await.unwrap())
}

pub fn asked(entered: Entered) -> Challenged {
    match entered {
        Entered::Challenged(challenged) => *challenged,
        Entered::Session(session) => panic!("no question: {session:?}"),
    }
}

pub async fn answer(
    house: &House,
    challenge: &str,
    answer: SecondAnswer,
    at: Timestamp,
) -> Result<(keepgate_identity::LoggedIn, Vec<RecoveryCode>), ErrorKind> {
    let visit = Visit {
        request: RequestId::new(at),
        source: None,
        at,
    };
    let prepared = house.mfa.complete(challenge, &answer, visit).await.unwrap();
    let done = house
        .front
        .perform_for(&prepared.context, prepared.actor, &prepared.command)
        .await;
    done.map(|done| (done.output.session, done.output.recovery_codes))
        .map_err(|failure| failure.kind())
}

pub const WRONG: ErrorKind = ErrorKind::Refused("invalid-second-factor");
pub const DEAD: ErrorKind = ErrorKind::Refused("invalid-challenge");
pub const OPERATOR: &str = "operator@example.org";

async fn an_app_is_asked_for_once_it_is_confirmed_and_opens_a_session_of_two(house: &House) {
    let operator = house.caller(Level::Operator);
    let pending = house.mfa.begin_totp(&operator).await.unwrap();
    house.behind(&operator, &EnrolTotp { pending }).await.unwrap();
    house.log_in(OPERATOR).await.unwrap(); // pending: nothing is asked
    let (secret, codes) = add_app(house, &operator).await;
    assert_eq!(codes.len(), 10);
    let at = now();
    let question = asked(house.log_in_at(OPERATOR, at).await.unwrap());
    assert_eq!(
        (question.factors.as_slice(), question.recovery),
        (&[FactorKind::Totp][..], true)
    );
    assert!(question.pending.is_none());
    let (session, shown) = answer(
        house,
        question.challenge.expose(),
        SecondAnswer::Totp(code_of(&secret, at)),
        at,
    )
    .await
    .unwrap();
    assert_eq!((session.factors, shown.len()), (Factors::Two, 0));
    assert!(house.enters(&context(&session)).await);
    let own = house.behind(&operator, &ListFactors).await.unwrap();
    assert_eq!((own.factors.len(), own.standing.recovery_codes), (1, 10));
    assert!(own.factors[0].last_used_at.is_some());
}

async fn a_code_and_a_challenge_work_once(house: &House) {
    let (secret, _) = add_app(house, &house.caller(Level::Operator)).await;
    let at = now();
    let code = || SecondAnswer::Totp(code_of(&secret, at));
    let first = asked(house.log_in_at(OPERATOR, at).await.unwrap());
    answer(house, first.challenge.expose(), code(), at).await.unwrap();
    let again = answer(house, first.challenge.expose(), code(), at).await;
    assert_eq!(again.unwrap_err(), DEAD, "a challenge is answered once");
    let second = asked(house.log_in_at(OPERATOR, at).await.unwrap());
    let replayed = answer(house, second.challenge.expose(), code(), at).await;
    assert_eq!(replayed.unwrap_err(), WRONG, "a code is used once");
    let next = SecondAnswer::Totp(code_of(&secret, at + TimeDelta::seconds(30)));
    answer(house, second.challenge.expose(), next, at).await.unwrap();
}

async fn five_wrong_answers_end_a_challenge_even_for_the_right_one(house: &House) {
    let (secret, _) = add_app(house, &house.caller(Level::Operator)).await;
    let at = now();
    let question = asked(house.log_in_at(OPERATOR, at).await.unwrap());
    for _ in 0..5 {
        let wrong = SecondAnswer::Recovery("aaaa-aaaa-aaaa-aaaa-aaaa-aaaa".into());
        assert_eq!(
            answer(house, question.challenge.expose(), wrong, at).await.unwrap_err(),
            WRONG
        );
    }
    let right = SecondAnswer::Totp(code_of(&secret, at));
    assert_eq!(
        answer(house, question.challenge.expose(), right, at).await.unwrap_err(),
        DEAD
    );
}

async fn a_known_password_gives_no_endless_run_at_the_codes(house: &House) {
    add_app(house, &house.caller(Level::Operator)).await;
    let at = now();
    let mut asked_for = 0;
    while let Ok(entered) = house.log_in_at(OPERATOR, at).await {
        asked(entered);
        asked_for += 1;
        assert!(asked_for < 20, "the right password forgave itself");
    }
    assert_eq!(
        house.log_in_at(OPERATOR, at).await.unwrap_err(),
        ErrorKind::Refused("locked-out")
    );
}

async fn a_challenge_is_worth_nothing_with_the_factor_of_somebody_else(house: &House) {
    let (_, codes) = add_app(house, &house.caller(Level::Operator)).await;
    let (secret, _) = add_app(house, &house.caller(Level::Supervisor)).await;
    let at = now();
    let question = asked(house.log_in_at("supervisor@example.org", at).await.unwrap());
    let foreign = SecondAnswer::Recovery(codes[0].expose().into());
    assert_eq!(
        answer(house, question.challenge.expose(), foreign, at)
            .await
            .unwrap_err(),
        WRONG
    );
    let own = SecondAnswer::Totp(code_of(&secret, at));
    answer(house, question.challenge.expose(), own, at).await.unwrap();
}

async fn a_challenge_dies_with_the_sessions_of_its_principal(house: &House) {
    let (secret, _) = add_app(house, &house.caller(Level::Operator)).await;
    let at = now();
    let question = asked(house.log_in_at(OPERATOR, at).await.unwrap());
    let admin = house.caller(Level::TenantAdmin);
    for active in [false, true] {
        let update = crate::operations::UpdateUser {
            id: house.caller(Level::Operator).principal().id,
            level: None,
            unit: None,
            hat: None,
            active: Some(active),
        };
        house.perform(&admin, &update).await.unwrap();
    }
    let code = SecondAnswer::Totp(code_of(&secret, at));
    assert_eq!(
        answer(house, question.challenge.expose(), code, at).await.unwrap_err(),
        DEAD
    );
}

async fn a_recovery_code_works_once_and_not_after_new_ones(house: &House) {
    let operator = house.caller(Level::Operator);
    let (_, codes) = add_app(house, &operator).await;
    let with = async |code: &RecoveryCode| {
        let at = now();
        let question = asked(house.log_in_at(OPERATOR, at).await.unwrap());
        let code = SecondAnswer::Recovery(code.expose().to_uppercase().into());
        answer(house, question.challenge.expose(), code, at).await
    };
    with(&codes[0]).await.unwrap();
    assert_eq!(with(&codes[0]).await.unwrap_err(), WRONG);
    let renew = RenewRecoveryCodes {
        codes: RecoveryCode::set().unwrap(),
    };
    let fresh = house.behind(&operator, &renew).await.unwrap();
    assert_eq!(with(&codes[1]).await.unwrap_err(), WRONG);
    with(&fresh[0]).await.unwrap();
}

async fn a_new_principal_has_a_day_and_then_only_adds_a_factor(house: &House) {
    let admin = format!("{}@example.org", Level::TenantAdmin);
    let factors = async |hours: i64| {
        let entered = house.log_in_at(&admin, now() + TimeDelta::minutes(hours * 60)).await;
        entered.unwrap().session().map(|session| session.factors)
    };
    assert_eq!(factors(0).await, Some(Factors::One));
    assert_eq!(factors(23).await, Some(Factors::One));
    assert_eq!(factors(25).await, Some(Factors::Owing));
    let supervisor = house
        .log_in_at("supervisor@example.org", now() + TimeDelta::hours(25))
        .await;
    assert_eq!(
        supervisor.unwrap().session().unwrap().factors,
        Factors::One,
        "below the level"
    );
    let stricter = UpdateTenantPolicy {
        mfa_level: Some(MfaLevel::from(Level::Supervisor)),
    };
    let owner = house.caller(Level::TenantOwner);
    assert_eq!(house.perform(&owner, &stricter).await.unwrap().number(), 3);
    let supervisor = house
        .log_in_at("supervisor@example.org", now() + TimeDelta::hours(25))
        .await;
    assert_eq!(supervisor.unwrap().session().unwrap().factors, Factors::Owing);
}

async fn platform_levels_get_no_session_without_a_factor(house: &House) {
    let at = now();
    let email = format!("{}@example.org", Level::PlatformOperator);
    let question = asked(house.log_in_at(&email, at).await.unwrap());
    let pending = question.pending.expect("an app to be set up");
    assert!(question.factors.is_empty() && !question.recovery);
    let old = SecondAnswer::Totp(code_of(&pending.secret, at - TimeDelta::seconds(90)));
    assert_eq!(
        answer(house, question.challenge.expose(), old, at).await.unwrap_err(),
        WRONG
    );
    let code = SecondAnswer::Totp(code_of(&pending.secret, at));
    let (session, codes) = answer(house, question.challenge.expose(), code, at).await.unwrap();
    assert_eq!((session.factors, codes.len()), (Factors::Two, 10));
    let next = asked(house.log_in_at(&email, at).await.unwrap());
    assert!(next.pending.is_none() && next.factors == [FactorKind::Totp]);
}

async fn the_last_factor_stays_where_one_is_required(house: &House) {
    for (level, kept) in [(Level::TenantAdmin, true), (Level::Operator, false)] {
        let caller = house.caller(level);
        add_app(house, &caller).await;
        let own = house.behind(&caller, &ListFactors).await.unwrap();
        let remove = RemoveFactor {
            factor: own.factors[0].id,
        };
        let removed = house.behind(&caller, &remove).await;
        if kept {
            assert_eq!(removed.unwrap_err(), ErrorKind::Refused("last-second-factor"));
        } else {
            removed.unwrap();
        }
        let left = house.behind(&caller, &ListFactors).await.unwrap();
        assert_eq!(
            (left.factors.len(), left.standing.recovery_codes),
            if kept { (1, 10) } else { (0, 0) }
        );
    }
}

async fn a_factor_of_somebody_else_is_not_there(house: &House) {
    add_app(house, &house.caller(Level::Operator)).await;
    let own = house
        .behind(&house.caller(Level::Operator), &ListFactors)
        .await
        .unwrap();
    let remove = RemoveFactor {
        factor: own.factors[0].id,
    };
    for level in [Level::FieldAgent, Level::TenantOwner, Level::GlobalAdmin] {
        let refused = house.behind(&house.caller(level), &remove).await;
        assert_eq!(refused.unwrap_err(), ErrorKind::Refused("factor-not-found"), "{level}");
    }
}

async fn an_admin_resets_lower_levels_whose_sessions_end(house: &House) {
    let (admin, operator) = (house.caller(Level::TenantAdmin), house.caller(Level::Operator));
    add_app(house, &operator).await;
    let reset = |level| ResetMfa {
        user: house.caller(level).principal().id,
    };
    for (by, whom, reason) in [
        (Level::TenantAdmin, Level::TenantOwner, "out-of-reach"),
        (Level::TenantAdmin, Level::TenantAdmin, "not-oneself"),
        (Level::Supervisor, Level::Operator, "level-too-low"),
        (Level::GlobalAdmin, Level::Operator, "user-not-found"),
    ] {
        let refused = house.perform(&house.caller(by), &reset(whom)).await;
        assert_eq!(refused.unwrap_err(), ErrorKind::Refused(reason), "{by} resets {whom}");
    }
    assert_eq!(house.perform(&admin, &reset(Level::Operator)).await.unwrap(), 1);
    assert!(!house.enters(&operator).await, "the user's sessions have ended");
    house.log_in(OPERATOR).await.unwrap();
    house.perform(&admin, &reset(Level::Supervisor)).await.unwrap();
    let owner = house.caller(Level::TenantOwner);
    house.perform(&owner, &reset(Level::TenantAdmin)).await.unwrap();
    let later = house
        .log_in_at(
            &format!("{}@example.org", Level::TenantAdmin),
            now() + TimeDelta::hours(25),
        )
        .await;
    assert_eq!(
        later.unwrap().session().unwrap().factors,
        Factors::Owing,
        "no second grace"
    );
}

cases!(
    an_app_is_asked_for_once_it_is_confirmed_and_opens_a_session_of_two,
    a_code_and_a_challenge_work_once,
    five_wrong_answers_end_a_challenge_even_for_the_right_one,
    a_known_password_gives_no_endless_run_at_the_codes,
    a_challenge_is_worth_nothing_with_the_factor_of_somebody_else,
    a_challenge_dies_with_the_sessions_of_its_principal,
    a_recovery_code_works_once_and_not_after_new_ones,
    a_new_principal_has_a_day_and_then_only_adds_a_factor,
    platform_levels_get_no_session_without_a_factor,
    the_last_factor_stays_where_one_is_required,
    a_factor_of_somebody_else_is_not_there,
    an_admin_resets_lower_levels_whose_sessions_end,
);
