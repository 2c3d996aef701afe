//! Nobody learns from what is done whether an address has an account: the work of both paths is counted, which no noise can blur.
//! `cargo xtask bench guessing` measures the time it takes, over HTTP.

use super::house::{House, VICTIM, Visit};
use crate::LoginError;

const NOBODY: &str = "bob@example.org";

async fn attempt(house: &House, email: &str, nth: usize) {
    // Every attempt with a password, an address and an hour of its own: the counters stand aside.
    let password = format!("wrong password number {nth}");
    let visit = Visit {
        email,
        password: &password,
        cookie: None,
        source: &format!("10.{}.{}.{}", nth / 62_500, nth / 250 % 250, nth % 250),
        at: house.at(i64::try_from(nth).unwrap() * 4000),
    };
    let result = house.login(&visit).await;
    assert!(matches!(result, Err(LoginError::InvalidCredentials)), "{result:?}");
    house.forgive(email).await;
}

#[tokio::test]
async fn known_unknown_and_impossible_addresses_cost_the_same_work() {
    let house = House::cheap().await;
    let mut costs = Vec::new();
    for (nth, email) in [VICTIM, NOBODY, "no address at all", "", "ann@other.example"]
        .into_iter()
        .enumerate()
    {
        let before = house.work();
        attempt(&house, email, nth).await;
        let after = house.work();
        costs.push((after.0 - before.0, after.1 - before.1));
    }
    assert!(costs.windows(2).all(|pair| pair[0] == pair[1]), "{costs:?}");
    assert_eq!(costs[0].1, 1, "one hash");
}

#[tokio::test]
async fn asking_for_a_code_costs_the_same_for_known_and_unknown_addresses() {
    let house = House::cheap().await;
    let mut costs = Vec::new();
    for (email, source) in [(VICTIM, "192.0.2.1"), (NOBODY, "198.51.100.1")] {
        let mut each = Vec::new();
        // Also beyond what is acted on.
        for nth in 0..6 {
            let before = house.work();
            let admitted = house.may_recover(email, source, house.at(nth)).await;
            let after = house.work();
            each.push((admitted, after.0 - before.0, after.1 - before.1));
        }
        costs.push(each);
    }
    assert_eq!(costs[0], costs[1]);
    let admitted: Vec<bool> = costs[0].iter().map(|cost| cost.0).collect();
    assert_eq!(admitted, [true, true, true, false, false, false]);
}
