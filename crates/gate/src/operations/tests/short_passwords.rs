//! Eight characters are enough beside a second factor, and never alone.
use keepgate_identity::{ChangePassword, ChangeRefused, ListFactors, PasswordRule, RemoveFactor, ResetMfa};
use keepgate_kernel::Level;
use keepgate_policy::{ErrorKind::Refused, OpContext};

use super::{
    house::{House, PASSWORD, cases, now},
    second_factors::add_app,
};

const SHORT: &str = "kayak-9?";
const OPERATOR: &str = "operator@example.org";

async fn prepared(
    house: &House,
    caller: &OpContext,
    present: &str,
    new: &str,
) -> Result<ChangePassword, ChangeRefused> {
    house.desk.change_password(caller, &present.into(), new.into()).await
}

async fn change(house: &House, caller: &OpContext, present: &str, new: &str) {
    let command = prepared(house, caller, present, new).await.unwrap();
    house.perform(caller, &command).await.unwrap();
}

async fn short(house: &House) -> OpContext {
    let operator = house.caller(Level::Operator);
    add_app(house, &operator).await;
    change(house, &operator, PASSWORD, SHORT).await;
    operator
}

async fn eight_characters_are_for_those_who_hold_a_factor(house: &House) {
    let operator = house.caller(Level::Operator);
    let alone = prepared(house, &operator, PASSWORD, SHORT).await;
    assert!(matches!(
        alone,
        Err(ChangeRefused::Password(PasswordRule::TooShort(15)))
    ));
    add_app(house, &operator).await;
    let seven = prepared(house, &operator, PASSWORD, &SHORT[1..]).await;
    assert!(matches!(seven, Err(ChangeRefused::Password(PasswordRule::TooShort(8)))));
    change(house, &operator, PASSWORD, SHORT).await;
    let entered = house.log_in_with(OPERATOR, SHORT, now()).await.unwrap();
    assert!(entered.session().is_none(), "the factor is asked for");
}

async fn a_factor_that_went_while_the_password_was_prepared_is_missed_at_the_end(house: &House) {
    let operator = house.caller(Level::Operator);
    add_app(house, &operator).await;
    let command = prepared(house, &operator, PASSWORD, SHORT).await.unwrap();
    let own = house.behind(&operator, &ListFactors).await.unwrap();
    let factor = own.factors[0].id;
    house.behind(&operator, &RemoveFactor { factor }).await.unwrap();
    house.perform(&operator, &command).await.unwrap_err();
    house.log_in(OPERATOR).await.unwrap();
}

async fn the_last_factor_stays_until_the_password_stands_alone(house: &House) {
    let operator = short(house).await;
    let own = house.behind(&operator, &ListFactors).await.unwrap();
    let remove = RemoveFactor {
        factor: own.factors[0].id,
    };
    let refused = house.behind(&operator, &remove).await;
    assert_eq!(refused.unwrap_err(), Refused("short-password"));
    change(house, &operator, SHORT, PASSWORD).await;
    house.behind(&operator, &remove).await.unwrap();
    house.log_in(OPERATOR).await.unwrap();
}

async fn after_an_admin_s_reset_it_opens_nothing(house: &House) {
    let operator = short(house).await;
    let user = operator.principal().id;
    let admin = house.caller(Level::TenantAdmin);
    house.perform(&admin, &ResetMfa { user }).await.unwrap();
    let refused = house.log_in_with(OPERATOR, SHORT, now()).await;
    assert_eq!(refused.unwrap_err(), Refused("invalid-credentials"));
}

cases!(
    eight_characters_are_for_those_who_hold_a_factor,
    a_factor_that_went_while_the_password_was_prepared_is_missed_at_the_end,
    the_last_factor_stays_until_the_password_stands_alone,
    after_an_admin_s_reset_it_opens_nothing,
);
