//! Attackers and their victim at the desk.
use keepgate_kernel::Timestamp;
use proptest::{prelude::*, test_runner::TestRunner};

use super::house::{House, PASSWORD, VICTIM, Visit};
use crate::LoginError;

/// The nth attacker's address: each in a network of its own.
fn address(nth: usize) -> String {
    format!("10.{}.{}.1", nth / 250 % 250, nth % 250)
}

/// Guesses on the victim with ever new passwords; whether the guess was looked at.
async fn guess(house: &House, nth: usize, cookie: Option<&str>, at: Timestamp) -> bool {
    let visit = Visit {
        email: VICTIM,
        password: &format!("wrong password number {nth}"),
        cookie,
        source: &address(nth),
        at,
    };
    match house.login(&visit).await {
        Err(LoginError::InvalidCredentials) => true,
        Err(LoginError::LockedOut { .. }) => false,
        other => panic!("{other:?}"),
    }
}

fn victim<'a>(cookie: Option<&'a str>, at: Timestamp) -> Visit<'a> {
    Visit {
        email: VICTIM,
        password: PASSWORD,
        cookie,
        source: "192.0.2.1",
        at,
    }
}

#[tokio::test]
async fn an_attacker_with_a_thousand_addresses_has_100_guesses_while_the_victim_logs_in_every_day() {
    let house = House::cheap().await;
    let (_, mut cookie) = house.login(&victim(None, house.start)).await.unwrap();
    let (mut looked_at, mut in_the_first_hour, mut in_the_first_day) = (0, 0, 0);
    for minute in 1..(14 * 24 * 60) {
        let at = house.at(minute * 60);
        // As many as it gets, from a new address each time.
        while guess(&house, usize::try_from(minute).unwrap() * 7 + looked_at, None, at).await {
            looked_at += 1;
        }
        in_the_first_hour = if minute <= 60 { looked_at } else { in_the_first_hour };
        in_the_first_day = if minute <= 24 * 60 { looked_at } else { in_the_first_day };
        if minute % (24 * 60) == 0 {
            let (_, renewed) = house.login(&victim(Some(&cookie), at)).await.expect("never locked out");
            cookie = renewed;
        }
    }
    assert!(in_the_first_hour <= 11, "{in_the_first_hour} in an hour");
    assert!(in_the_first_day <= 34, "{in_the_first_day} in a day");
    assert_eq!(looked_at, 100, "ever");
    let stranger = house.login(&victim(None, house.at(15 * 86_400))).await;
    assert!(
        matches!(stranger, Err(LoginError::LockedOut { .. })),
        "closed for strangers"
    );
    house
        .login(&victim(Some(&cookie), house.at(15 * 86_400)))
        .await
        .expect("and for nobody else");
}

#[tokio::test]
async fn success_from_anywhere_forgets_the_failures_and_the_address_s_stay() {
    let house = House::cheap().await;
    for round in 0..3 {
        for nth in 0..4 {
            assert!(guess(&house, round * 4 + nth, None, house.start).await);
        }
        house.login(&victim(None, house.start)).await.expect("four are free");
    }
}

#[tokio::test]
async fn a_stolen_cookie_is_dropped_after_50_failures_and_the_victim_enters_as_a_stranger() {
    let house = House::cheap().await;
    let (_, cookie) = house.login(&victim(None, house.start)).await.unwrap();
    let (mut at, mut looked_at) = (house.start, 0);
    for nth in 0..2000 {
        at += chrono::TimeDelta::minutes(16);
        if guess(&house, nth, Some(&cookie), at).await {
            looked_at += 1;
        }
        if looked_at == 50 {
            break;
        }
    }
    assert_eq!(looked_at, 50);
    house
        .login(&victim(Some(&cookie), at))
        .await
        .expect("with strangers' four free failures");
}

#[tokio::test]
async fn a_cookie_of_one_account_is_worth_nothing_on_another() {
    let house = House::cheap().await;
    let (_, cookie) = house.login(&victim(None, house.start)).await.unwrap();
    let mut looked_at = 0;
    for nth in 0..20 {
        let visit = Visit {
            email: "bob@example.org",
            password: &format!("wrong {nth}"),
            cookie: Some(&cookie),
            source: &address(nth),
            at: house.start,
        };
        looked_at += usize::from(matches!(house.login(&visit).await, Err(LoginError::InvalidCredentials)));
    }
    assert_eq!(looked_at, 5, "as for everybody");
}

#[tokio::test]
async fn one_address_has_ten_failures_whatever_the_accounts() {
    let house = House::cheap().await;
    let try_one = |nth: usize| {
        let email = format!("user{nth}@example.org");
        let house = &house;
        async move {
            let visit = Visit {
                email: &email,
                password: "the one password everybody has",
                cookie: None,
                source: "192.0.2.77",
                at: house.start,
            };
            matches!(house.login(&visit).await, Err(LoginError::InvalidCredentials))
        }
    };
    let mut looked_at = 0;
    for nth in 0..40 {
        looked_at += usize::from(try_one(nth).await);
    }
    assert_eq!(looked_at, 10);
}

#[tokio::test]
async fn the_same_wrong_password_again_and_again_locks_nobody_out() {
    let house = House::cheap().await;
    for nth in 0..40 {
        let visit = Visit {
            email: VICTIM,
            password: "a mail client's old password",
            cookie: None,
            source: &address(nth),
            at: house.at(i64::try_from(nth).unwrap()),
        };
        let result = house.login(&visit).await;
        assert!(
            matches!(result, Err(LoginError::InvalidCredentials)),
            "{nth}: {result:?}"
        );
    }
    house.login(&victim(None, house.at(60))).await.expect("it counted once");
}

#[tokio::test]
async fn a_repeated_right_password_after_it_was_wrong_is_looked_at() {
    let house = House::cheap().await;
    let wrong = Visit {
        email: "nobody@example.org",
        ..victim(None, house.start)
    };
    assert!(house.login(&wrong).await.is_err());
    house
        .login(&victim(None, house.start))
        .await
        .expect("memory is by account");
}

#[tokio::test]
async fn in_an_alarm_strangers_have_nothing_free_and_known_browsers_notice_nothing() {
    let house = House::cheap().await;
    let (_, cookie) = house.login(&victim(None, house.start)).await.unwrap();
    for nth in 0..60 {
        let visit = Visit {
            email: &format!("user{nth}@example.org"),
            password: &format!("wrong {nth}"),
            cookie: None,
            source: &address(nth),
            at: house.start,
        };
        assert!(house.login(&visit).await.is_err());
    }
    assert!(guess(&house, 1000, None, house.start).await);
    assert!(
        !guess(&house, 1001, None, house.start).await,
        "the first failure cost a pause"
    );
    house.login(&victim(Some(&cookie), house.start)).await.unwrap();
}

/// Whatever attackers do, in whatever order and from wherever, the next visit of the victim's own browser is let in.
#[test]
fn no_attack_keeps_the_victim_s_own_browser_out() {
    let step = (0_usize..2000, 0_i64..20_000, prop::bool::weighted(0.2));
    let attack = prop::collection::vec(step, 0..120);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&attack, |steps| {
            runtime.block_on(async {
                let house = House::cheap().await;
                let (_, mut cookie) = house.login(&victim(None, house.start)).await.unwrap();
                let mut at = house.start;
                for (nth, pause, victim_comes) in steps {
                    at += chrono::TimeDelta::seconds(pause);
                    for burst in 0..=(nth % 12) {
                        guess(&house, nth + burst, None, at).await;
                    }
                    if victim_comes {
                        let entered = house.login(&victim(Some(&cookie), at)).await;
                        prop_assert!(entered.is_ok(), "{entered:?}");
                        cookie = entered.unwrap().1;
                    }
                }
                let entered = house.login(&victim(Some(&cookie), at)).await;
                // A cookie lives for 90 days; a visit renews it.
                prop_assert!(
                    entered.is_ok() || at - house.start > chrono::TimeDelta::days(90),
                    "{entered:?}"
                );
                Ok(())
            })
        })
        .unwrap();
}
