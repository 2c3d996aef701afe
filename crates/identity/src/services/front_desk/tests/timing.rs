//! Nobody learns from an answer, or from how long it took, whether an address has an account.
//!
//! Two tests: one counts the work of both paths, which no noise can blur; the other measures, with a cheaper hash on the same path
//! so that whatever else differs weighs more than it does in the product.
use std::time::{Duration, Instant};

use super::house::{House, VICTIM, Visit};
use crate::{Cost, Hasher, LoginError};

const NOBODY: &str = "bob@example.org";

async fn attempt(house: &House, email: &str, nth: usize) -> Duration {
    // Every attempt with a password, an address and an hour of its own: the counters stand aside.
    let password = format!("wrong password number {nth}");
    let visit = Visit {
        email,
        password: &password,
        cookie: None,
        source: &format!("10.{}.{}.{}", nth / 62_500, nth / 250 % 250, nth % 250),
        at: house.at(i64::try_from(nth).unwrap() * 4000),
    };
    let started = Instant::now();
    let result = house.login(&visit).await;
    let took = started.elapsed();
    assert!(matches!(result, Err(LoginError::InvalidCredentials)), "{result:?}");
    house.forgive(email).await;
    took
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

/// The two-sided p-value of the Mann-Whitney U test (normal approximation, with ties).
fn mann_whitney(one: &[f64], other: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> = one
        .iter()
        .map(|x| (*x, true))
        .chain(other.iter().map(|x| (*x, false)))
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut ties, mut at) = (0.0, 0.0, 0);
    while at < all.len() {
        let end = at + all[at..].iter().take_while(|(x, _)| *x == all[at].0).count();
        let rank = (at + 1 + end) as f64 / 2.0;
        ranks += rank * all[at..end].iter().filter(|(_, first)| *first).count() as f64;
        let size = (end - at) as f64;
        ties += size.powi(3) - size;
        at = end;
    }
    let (n, m) = (one.len() as f64, other.len() as f64);
    let u = ranks - n * (n + 1.0) / 2.0;
    let total = n + m;
    let deviation = (n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)))).sqrt();
    let z = ((u - n * m / 2.0).abs() - 0.5).max(0.0) / deviation;
    erfc(z / std::f64::consts::SQRT_2)
}

/// Abramowitz and Stegun 7.1.26; good to 1.5e-7.
fn erfc(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let poly =
        t * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    poly * (-x * x).exp()
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

#[test]
fn the_test_itself_tells_a_shift_from_noise() {
    let noise: Vec<f64> = (0..2000).map(|n| f64::from(n * 7919 % 1000)).collect();
    let same: Vec<f64> = (0..2000).map(|n| f64::from(n * 104_729 % 1000)).collect();
    let shifted: Vec<f64> = same.iter().map(|x| x + 40.0).collect();
    assert!(mann_whitney(&noise, &same) > 0.01);
    assert!(mann_whitney(&noise, &shifted) < 0.001);
}

/// One round of 2 × 2,000 interleaved samples: the p-value, and the medians' difference in seconds.
async fn round(house: &House, from: usize) -> (f64, f64) {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for nth in 0..2000 {
        // The order changes, so that neither is always the one that runs on warm caches.
        let (first, second) = if nth % 2 == 0 {
            (VICTIM, NOBODY)
        } else {
            (NOBODY, VICTIM)
        };
        for (offset, email) in [(0, first), (1, second)] {
            let took = attempt(house, email, from + nth * 2 + offset).await.as_secs_f64();
            if email == VICTIM {
                known.push(took)
            } else {
                unknown.push(took)
            }
        }
    }
    (
        mann_whitney(&known, &unknown),
        (median(&known) - median(&unknown)).abs(),
    )
}

/// `cargo test -p keepgate-identity --release -- --ignored` on a quiet machine.
#[tokio::test]
#[ignore = "measures: on a machine that does other things as well it says little"]
async fn two_thousand_samples_of_each_can_t_be_told_apart() {
    let real = {
        let (hasher, started) = (Hasher::new(1), Instant::now());
        hasher.verify(&"x".into(), None).await.unwrap();
        started.elapsed().as_secs_f64()
    };
    let mut seen = Vec::new();
    for turn in 0..3 {
        let house = House::of_cost(Cost {
            memory_kib: 1024,
            passes: 1,
            lanes: 1,
        })
        .await;
        let (p, gap) = round(&house, turn * 10_000).await;
        println!(
            "p = {p:.3}, medians differ by {:.1} µs, a hash takes {:.1} ms",
            gap * 1e6,
            real * 1e3
        );
        if p > 0.01 && gap < real / 100.0 {
            return;
        }
        seen.push((p, gap));
    }
    panic!("told apart three times running: {seen:?}");
}
