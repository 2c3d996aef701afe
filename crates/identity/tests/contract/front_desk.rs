//! Log-in and enrolment, from what somebody typed to a session.
use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use keepgate_identity::{
    BucketKey, ChangePasswordError, ChangeRefused, EnrolError, EnrolRefused, EnrolmentCode, FrontDesk, Hasher,
    LoggedIn, Login, LoginError, LoginForm, NewEnrolment, Password, PasswordCheck, PasswordRule, Prepared,
};
use keepgate_kernel::{EnrolmentId, Level, PrincipalId, RequestId, TenantId};
use keepgate_policy::{Command, Credential, OpContext};
use keepgate_store::testing::World;
use secrecy::SecretString;

use crate::support::{Tx, at_once, cases, done, member, perform, reaching, user_in, with, worker};

const PASSWORD: &str = "violet-harbour-7";
const OTHER: &str = "copper-lantern-9";

fn desk(world: &World<dyn Tx>) -> FrontDesk<dyn Tx> {
    FrontDesk::new(
        world.store(),
        world.ids.platform,
        Hasher::new(2),
        Arc::new(BucketKey::new(&[1; 32])),
    )
}

async fn set_password(world: &World<dyn Tx>, tenant: TenantId, principal: PrincipalId, text: &str) {
    let password = Password::new(text.into()).unwrap();
    let phc = Hasher::new(2).hash_password(&password).await.unwrap();
    let mut tx = world.begin(&worker(world, tenant)).await;
    tx.put_password(principal, &phc).await.unwrap();
    done(tx).await;
}

async fn prepared(world: &World<dyn Tx>, email: &str, password: &str, tenant: Option<TenantId>) -> Prepared<Login> {
    let form = LoginForm {
        email,
        password: &password.into(),
        tenant,
        device: None,
    };
    desk(world)
        .login(&form, RequestId::new(world.now), None, world.now)
        .await
        .unwrap()
}

async fn log_in(
    world: &World<dyn Tx>,
    email: &str,
    password: &str,
    tenant: Option<TenantId>,
) -> Result<LoggedIn, LoginError> {
    let prepared = prepared(world, email, password, tenant).await;
    perform(world, &prepared.context, &prepared.command).await.map(at_once)
}

async fn the_right_password_opens_a_session_that_enters(world: &World<dyn Tx>) {
    let operator = world.caller(Level::Operator);
    set_password(world, world.ids.tenant, operator.principal().id, PASSWORD).await;
    let opened = log_in(world, " Operator@Example.org", PASSWORD, Some(world.ids.tenant))
        .await
        .unwrap();
    assert_eq!(
        (opened.principal, opened.level, opened.tenant),
        (operator.principal().id, Level::Operator, world.ids.tenant)
    );
    world
        .begin(&with(&operator, |_| {}, Credential::Session(opened.session)))
        .await;
}

async fn unknown_and_wrong_are_told_alike_and_audited_where_they_belong(world: &World<dyn Tx>) {
    let operator = member(world, Level::Operator);
    set_password(world, world.ids.tenant, operator, PASSWORD).await;
    for (email, actor, home) in [
        ("operator@example.org", Some(operator), world.ids.tenant),
        ("supervisor@example.org", None, world.ids.platform),
        ("nobody@example.org", None, world.ids.platform),
        ("no address at all", None, world.ids.platform),
    ] {
        let prepared = prepared(world, email, OTHER, None).await;
        assert_eq!((prepared.actor, prepared.context.tenant()), (actor, home), "{email}");
        let result = perform(world, &prepared.context, &prepared.command).await;
        assert!(matches!(result, Err(LoginError::InvalidCredentials)), "{email}");
    }
}

async fn after_five_failures_even_the_right_password_waits(world: &World<dyn Tx>) {
    set_password(world, world.ids.tenant, member(world, Level::Operator), PASSWORD).await;
    for _ in 0..5 {
        assert!(matches!(
            log_in(world, "operator@example.org", OTHER, None).await,
            Err(LoginError::InvalidCredentials)
        ));
    }
    let Err(LoginError::LockedOut { retry_after }) = log_in(world, "operator@example.org", PASSWORD, None).await else {
        panic!("locked out")
    };
    assert!(retry_after <= Duration::from_secs(30) && retry_after > Duration::from_secs(20));
}

async fn an_unknown_address_is_locked_like_a_known_one(world: &World<dyn Tx>) {
    for _ in 0..5 {
        assert!(matches!(
            log_in(world, "nobody@example.org", OTHER, None).await,
            Err(LoginError::InvalidCredentials)
        ));
    }
    assert!(matches!(
        log_in(world, "nobody@example.org", OTHER, None).await,
        Err(LoginError::LockedOut { .. })
    ));
}

async fn success_forgets_the_failures_before_it(world: &World<dyn Tx>) {
    set_password(world, world.ids.tenant, member(world, Level::Operator), PASSWORD).await;
    for _ in 0..3 {
        for _ in 0..4 {
            assert!(log_in(world, "operator@example.org", OTHER, None).await.is_err());
        }
        log_in(world, "operator@example.org", PASSWORD, None).await.unwrap();
    }
}

async fn an_address_in_two_tenants_is_told_apart_by_password_or_by_name(world: &World<dyn Tx>) {
    set_password(world, world.ids.tenant, member(world, Level::Operator), PASSWORD).await;
    let stranger = world.stranger(Level::Operator).principal().id;
    set_password(world, world.ids.other, stranger, OTHER).await;
    let email = "operator@example.org";
    assert_eq!(
        log_in(world, email, PASSWORD, None).await.unwrap().tenant,
        world.ids.tenant
    );
    assert_eq!(log_in(world, email, OTHER, None).await.unwrap().tenant, world.ids.other);
    assert!(log_in(world, email, OTHER, Some(world.ids.tenant)).await.is_err());
    assert!(log_in(world, email, OTHER, Some(world.ids.platform)).await.is_err());
}

async fn a_namesake_who_never_enrolled_keeps_nobody_out(world: &World<dyn Tx>) {
    set_password(world, world.ids.platform, member(world, Level::GlobalAdmin), PASSWORD).await;
    user_in(
        world,
        &world.stranger(Level::TenantOwner),
        "global_admin@example.org",
        Level::Operator,
    )
    .await;
    log_in(world, "global_admin@example.org", PASSWORD, None).await.unwrap();
}

async fn the_disabled_and_the_suspended_don_t_log_in(world: &World<dyn Tx>) {
    let (admin, operator) = (world.caller(Level::TenantAdmin), member(world, Level::Operator));
    set_password(world, world.ids.tenant, operator, PASSWORD).await;
    set_password(world, world.ids.tenant, member(world, Level::TenantOwner), PASSWORD).await;
    let mut tx = world.begin(&admin).await;
    tx.set_principal_active(&reaching(&admin, operator), false)
        .await
        .unwrap();
    done(tx).await;
    assert!(matches!(
        log_in(world, "operator@example.org", PASSWORD, None).await,
        Err(LoginError::InvalidCredentials)
    ));
    let mut tx = world.begin(&world.caller(Level::GlobalAdmin)).await;
    tx.suspend(world.ids.tenant).await.unwrap();
    done(tx).await;
    assert!(matches!(
        log_in(world, "tenant_owner@example.org", PASSWORD, None).await,
        Err(LoginError::InvalidCredentials)
    ));
}

async fn a_password_changed_meanwhile_voids_the_proof(world: &World<dyn Tx>) {
    let operator = member(world, Level::Operator);
    set_password(world, world.ids.tenant, operator, PASSWORD).await;
    let prepared = prepared(world, "operator@example.org", PASSWORD, None).await;
    set_password(world, world.ids.tenant, operator, OTHER).await;
    let result = perform(world, &prepared.context, &prepared.command).await;
    assert!(matches!(result, Err(LoginError::InvalidCredentials)));
}

async fn invited(world: &World<dyn Tx>) -> EnrolmentCode {
    let code = EnrolmentCode::random().unwrap();
    let new = NewEnrolment {
        id: EnrolmentId::new(world.now),
        tenant: world.ids.tenant,
        principal: member(world, Level::Operator),
        hash: code.hash(),
        expires_at: world.now + TimeDelta::hours(24),
    };
    let mut tx = world.begin(&world.caller(Level::TenantAdmin)).await;
    tx.add_enrolment(&new).await.unwrap();
    done(tx).await;
    code
}

async fn enrol(
    world: &World<dyn Tx>,
    code: &str,
    password: &str,
) -> Result<(OpContext, Result<LoggedIn, EnrolError>), EnrolRefused> {
    let secret = SecretString::from(password);
    let prepared = desk(world)
        .enrol(code, secret, RequestId::new(world.now), None, world.now)
        .await?;
    let result = perform(world, &prepared.context, &prepared.command).await;
    Ok((prepared.context, result.map(at_once)))
}

async fn a_code_sets_the_password_and_opens_a_session_once(world: &World<dyn Tx>) {
    let code = invited(world).await;
    let weak = enrol(world, code.expose(), "password-password").await;
    assert!(
        matches!(weak, Err(EnrolRefused::Password(PasswordRule::Common))),
        "and the code is still good"
    );
    let (_, opened) = enrol(world, code.expose(), PASSWORD).await.unwrap();
    assert_eq!(opened.unwrap().principal, member(world, Level::Operator));
    log_in(world, "operator@example.org", PASSWORD, None).await.unwrap();
    let (context, again) = enrol(world, code.expose(), OTHER).await.unwrap();
    assert!(matches!(again, Err(EnrolError::InvalidCode)) && context.tenant() == world.ids.platform);
}

async fn two_who_hold_the_same_code_enter_once(world: &World<dyn Tx>) {
    let code = invited(world).await;
    let at = RequestId::new(world.now);
    let first = desk(world)
        .enrol(code.expose(), PASSWORD.into(), at, None, world.now)
        .await
        .unwrap();
    let second = desk(world)
        .enrol(code.expose(), OTHER.into(), at, None, world.now)
        .await
        .unwrap();
    assert_eq!(first.actor, Some(member(world, Level::Operator)));
    perform(world, &first.context, &first.command).await.unwrap();
    assert!(matches!(
        perform(world, &second.context, &second.command).await,
        Err(EnrolError::InvalidCode)
    ));
    log_in(world, "operator@example.org", PASSWORD, None).await.unwrap();
}

async fn mistyped_and_unknown_codes_are_told_alike(world: &World<dyn Tx>) {
    for code in ["kge_nonsense", EnrolmentCode::random().unwrap().expose()] {
        let (context, result) = enrol(world, code, PASSWORD).await.unwrap();
        assert!(matches!(result, Err(EnrolError::InvalidCode)) && context.tenant() == world.ids.platform);
    }
}

async fn change(
    world: &World<dyn Tx>,
    caller: &OpContext,
    present: &str,
    new: &str,
) -> Result<Result<(), ChangePasswordError>, ChangeRefused> {
    let command = desk(world).change_password(caller, &present.into(), new.into()).await?;
    Ok(perform(world, caller, &command).await)
}

async fn a_change_ends_every_other_session_and_the_old_password(world: &World<dyn Tx>) {
    let operator = world.caller(Level::Operator);
    let id = operator.principal().id;
    set_password(world, world.ids.tenant, id, PASSWORD).await;
    let other = log_in(world, "operator@example.org", PASSWORD, None).await.unwrap();
    assert!(matches!(
        change(world, &operator, OTHER, OTHER).await.unwrap(),
        Err(ChangePasswordError::WrongPassword)
    ));
    assert!(matches!(
        change(world, &operator, PASSWORD, PASSWORD).await.unwrap(),
        Err(ChangePasswordError::Unchanged)
    ));
    let named = change(world, &operator, PASSWORD, "operator@example.org").await;
    assert!(matches!(named, Err(ChangeRefused::Password(PasswordRule::Common))));
    change(world, &operator, PASSWORD, OTHER).await.unwrap().unwrap();
    world.begin(&operator).await;
    let dead = with(&operator, |_| {}, Credential::Session(other.session));
    assert!(world.store().begin(&dead).await.is_err(), "the other session is over");
    assert!(log_in(world, "operator@example.org", PASSWORD, None).await.is_err());
    log_in(world, "operator@example.org", OTHER, None).await.unwrap();
}

async fn a_change_that_comes_second_is_refused(world: &World<dyn Tx>) {
    let operator = world.caller(Level::Operator);
    set_password(world, world.ids.tenant, operator.principal().id, PASSWORD).await;
    let prepared = desk(world)
        .change_password(&operator, &PASSWORD.into(), OTHER.into())
        .await
        .unwrap();
    set_password(world, world.ids.tenant, operator.principal().id, "silver-meadow-12").await;
    assert!(matches!(
        perform(world, &operator, &prepared).await,
        Err(ChangePasswordError::WrongPassword)
    ));
}

async fn wrong_passwords_in_a_session_are_counted_by_the_session(world: &World<dyn Tx>) {
    let operator = world.caller(Level::Operator);
    set_password(world, world.ids.tenant, operator.principal().id, PASSWORD).await;
    for _ in 0..11 {
        let check = desk(world).confirm_password(&operator, &OTHER.into()).await.unwrap();
        assert!(matches!(check, PasswordCheck::Wrong));
    }
    let check = desk(world).confirm_password(&operator, &PASSWORD.into()).await.unwrap();
    assert!(matches!(check, PasswordCheck::Locked(_)));
    log_in(world, "operator@example.org", PASSWORD, None).await.unwrap();
    let nobody = world.caller(Level::Supervisor);
    let check = desk(world).confirm_password(&nobody, &PASSWORD.into()).await.unwrap();
    assert!(
        matches!(check, PasswordCheck::Wrong),
        "whoever has no password proves none"
    );
}

async fn two_ways_to_type_a_password_log_in_alike(world: &World<dyn Tx>) {
    let operator = member(world, Level::Operator);
    set_password(world, world.ids.tenant, operator, "Br\u{fc}cke nach Irgendwo 7").await;
    log_in(world, "operator@example.org", "Bru\u{308}cke nach Irgendwo 7", None)
        .await
        .unwrap();
}

async fn a_known_browser_enters_while_strangers_are_locked_out(world: &World<dyn Tx>) {
    let operator = member(world, Level::Operator);
    set_password(world, world.ids.tenant, operator, PASSWORD).await;
    let email = "operator@example.org";
    let opened = log_in(world, email, PASSWORD, None).await.unwrap();
    let cookie = desk(world).device_cookie(&opened, email, world.now).unwrap();
    for _ in 0..6 {
        assert!(log_in(world, email, OTHER, None).await.is_err());
    }
    let form = LoginForm {
        email,
        password: &PASSWORD.into(),
        tenant: None,
        device: Some(secrecy::ExposeSecret::expose_secret(&cookie.0)),
    };
    let at = RequestId::new(world.now);
    let prepared = desk(world).login(&form, at, None, world.now).await.unwrap();
    perform(world, &prepared.context, &prepared.command).await.unwrap();
    assert!(matches!(
        log_in(world, email, PASSWORD, None).await,
        Err(LoginError::LockedOut { .. })
    ));
}

async fn a_command_shows_no_secret(world: &World<dyn Tx>) {
    set_password(world, world.ids.tenant, member(world, Level::Operator), PASSWORD).await;
    let prepared = prepared(world, "operator@example.org", PASSWORD, None).await;
    let shown = format!("{prepared:?} {}", Command::<dyn Tx>::entity(&prepared.command));
    assert!(
        !shown.contains(PASSWORD) && !shown.contains("argon2") && !shown.contains("@example"),
        "{shown}"
    );
}

cases!(
    the_right_password_opens_a_session_that_enters,
    unknown_and_wrong_are_told_alike_and_audited_where_they_belong,
    after_five_failures_even_the_right_password_waits,
    an_unknown_address_is_locked_like_a_known_one,
    success_forgets_the_failures_before_it,
    an_address_in_two_tenants_is_told_apart_by_password_or_by_name,
    a_namesake_who_never_enrolled_keeps_nobody_out,
    the_disabled_and_the_suspended_don_t_log_in,
    a_password_changed_meanwhile_voids_the_proof,
    a_code_sets_the_password_and_opens_a_session_once,
    two_who_hold_the_same_code_enter_once,
    mistyped_and_unknown_codes_are_told_alike,
    a_change_ends_every_other_session_and_the_old_password,
    a_change_that_comes_second_is_refused,
    wrong_passwords_in_a_session_are_counted_by_the_session,
    two_ways_to_type_a_password_log_in_alike,
    a_known_browser_enters_while_strangers_are_locked_out,
    a_command_shows_no_secret,
);
