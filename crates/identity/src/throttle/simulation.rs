//! Attackers against the counters, with a clock of our own.
use chrono::TimeDelta;
use keepgate_kernel::Timestamp;

use super::{
    Asked, BucketKey, Counter, Miss,
    numbers::{Doubling, TRUSTED, UNTRUSTED},
};

fn start() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// Guesses one account under `rule` whenever that is allowed, from as many addresses as it takes; the instant of each guess, in
/// seconds. Ends when time will not help any more.
fn patient(rule: &Doubling) -> Vec<i64> {
    let (mut counter, mut at, mut guesses) = (Counter::new(start()), start(), Vec::new());
    loop {
        match counter.ask(rule, at, false, false) {
            Asked::Granted => guesses.push((at - start()).num_seconds()),
            Asked::Wait(wait) => at += TimeDelta::from_std(wait).unwrap(),
            Asked::Closed => return guesses,
        }
    }
}

fn within(guesses: &[i64], span: TimeDelta) -> usize {
    guesses.iter().filter(|at| **at <= span.num_seconds()).count()
}

#[test]
fn a_patient_attacker_has_11_guesses_in_an_hour_34_in_a_day_and_100_ever() {
    let guesses = patient(&UNTRUSTED);
    assert_eq!(within(&guesses, TimeDelta::hours(1)), 11);
    assert_eq!(within(&guesses, TimeDelta::days(1)), 34);
    assert_eq!(guesses.len(), 100);
    assert!(within(&guesses, TimeDelta::days(7)) == 100, "reached within a week");
}

#[test]
fn a_thief_of_a_browser_s_cookie_has_50_guesses_before_it_is_worth_nothing() {
    let guesses = patient(&TRUSTED);
    assert_eq!(guesses.len(), 50);
    assert_eq!(within(&guesses, TimeDelta::zero()), 11);
}

/// Sprays accounts from one address as fast as it may for a day; how many guesses it had.
fn sprayer(every: TimeDelta) -> usize {
    let key = BucketKey::new(&[1; 32]);
    let places = key.places("192.0.2.1".parse().unwrap());
    let mut counters: Vec<_> = places
        .all()
        .iter()
        .map(|(bucket, _)| (*bucket, Counter::new(start())))
        .collect();
    let (mut at, mut guesses) = (start(), 0);
    while at - start() < TimeDelta::days(1) {
        let wait = counters.iter().filter_map(|(_, counter)| counter.blocked(at)).max();
        if let Some(wait) = wait {
            at += TimeDelta::from_std(wait).unwrap();
            continue;
        }
        let account = key.login(&format!("user{guesses}@example.org"));
        let miss = Miss { account, places };
        counters
            .iter_mut()
            .for_each(|(bucket, counter)| miss.count(*bucket, counter, at));
        guesses += 1;
        at += every;
    }
    guesses
}

#[test]
fn one_address_has_few_guesses_a_day_over_all_accounts() {
    assert_eq!(
        sprayer(TimeDelta::zero()),
        70,
        "at full speed: 10, 15 min, 10, 30 min, …"
    );
    // Just below what the address allows: one a minute.
    assert!(sprayer(TimeDelta::seconds(60)) <= 24 * 60);
}
