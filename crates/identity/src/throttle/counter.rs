//! What a counter holds, and how it moves: pure functions of the counter and the time, the same for both stores.
use std::time::Duration;

use chrono::TimeDelta;
use keepgate_kernel::Timestamp;

use super::{
    Bucket,
    numbers::{Doubling, Leaky, SPRAY_WINDOW, STRIKES_LAST, Spray},
};

/// One counter as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Counter {
    /// Failures in a row.
    pub failures: u32,
    /// How full a leaky bucket was at `updated_at`.
    pub level: f64,
    /// Blocks so far, for doubling.
    pub strikes: u32,
    /// Until when everything is refused.
    pub blocked_until: Timestamp,
    /// The last change.
    pub updated_at: Timestamp,
    /// Accounts seen, for spraying: 8 bytes of the account's bucket and 4 of the time each.
    pub seen: Vec<u8>,
}

const SEEN: usize = 12;

impl Counter {
    /// A counter that has counted nothing.
    #[must_use]
    pub const fn new(at: Timestamp) -> Self {
        Self {
            failures: 0,
            level: 0.0,
            strikes: 0,
            blocked_until: at,
            updated_at: at,
            seen: Vec::new(),
        }
    }

    /// How long everything is still refused.
    #[must_use]
    pub fn blocked(&self, at: Timestamp) -> Option<Duration> {
        (self.blocked_until - at)
            .to_std()
            .ok()
            .filter(|left| *left > Duration::ZERO)
    }

    /// Asks for an attempt under `rule`, and counts it as failed if it is granted. `strict`: nothing is free. `free_again`: this
    /// very attempt was counted a moment ago.
    pub(crate) fn ask(&mut self, rule: &Doubling, at: Timestamp, strict: bool, free_again: bool) -> Asked {
        if self.failures >= rule.closes_at {
            return Asked::Closed;
        }
        if let Some(wait) = self.blocked(at) {
            return Asked::Wait(wait);
        }
        if !free_again {
            self.failures += 1;
            let pause = rule.pause(self.failures + if strict { rule.free } else { 0 });
            self.blocked_until = after(at, pause);
            self.updated_at = at;
        }
        Asked::Granted
    }

    /// Counts a failure under `rule`; a full bucket blocks.
    pub(crate) fn leak(&mut self, rule: &Leaky, at: Timestamp) {
        let passed = (at - self.updated_at).to_std().unwrap_or_default();
        self.level = (self.level - passed.as_secs_f64() / rule.drains.as_secs_f64()).max(0.0) + 1.0;
        // One more would not fit: what drained since the first does not buy a whole one.
        if self.level > f64::from(rule.burst) - 1.0 {
            self.level = 0.0;
            self.block(rule.block, rule.longest, at);
        }
        self.updated_at = at;
    }

    /// Counts a failure on `account` under `rule`; too many accounts block.
    pub(crate) fn spray(&mut self, rule: &Spray, account: &Bucket, at: Timestamp) {
        let now = u32::try_from(at.timestamp()).unwrap_or(u32::MAX);
        let (mark, _) = account.as_bytes().split_at(8);
        let since = now.saturating_sub(u32::try_from(SPRAY_WINDOW.as_secs()).unwrap_or(u32::MAX));
        let fresh = |entry: &&[u8]| {
            let (other, when) = entry.split_at(8);
            let when = u32::from_be_bytes(when.try_into().unwrap_or([0; 4]));
            when > since && other != mark
        };
        let mut seen: Vec<u8> = self.seen.chunks_exact(SEEN).filter(fresh).flatten().copied().collect();
        seen.extend_from_slice(mark);
        seen.extend_from_slice(&now.to_be_bytes());
        if seen.len() / SEEN >= rule.accounts as usize {
            seen.clear();
            self.block(rule.block, rule.longest, at);
        }
        self.seen = seen;
        self.updated_at = at;
    }

    fn block(&mut self, first: Duration, longest: Duration, at: Timestamp) {
        let idle = (at - self.blocked_until).to_std().unwrap_or_default();
        self.strikes = if idle > STRIKES_LAST { 0 } else { self.strikes };
        self.blocked_until = after(at, doubled(first, self.strikes, longest));
        self.strikes = self.strikes.saturating_add(1);
    }
}

/// What an account's counter said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Granted,
    Wait(Duration),
    Closed,
}

impl Doubling {
    /// The pause after `failures` failures in a row.
    #[must_use]
    pub fn pause(&self, failures: u32) -> Duration {
        match failures.checked_sub(self.free + 1) {
            None => Duration::ZERO,
            Some(nth) => doubled(self.first, nth, self.longest),
        }
    }
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first
        .saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX))
        .min(longest)
}

fn after(at: Timestamp, pause: Duration) -> Timestamp {
    at + TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::numbers::{ADDRESS, NETWORK, SPRAY_ADDRESS, TRUSTED, UNTRUSTED};
    use super::*;
    use crate::BucketKey;

    fn start() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn later(seconds: i64) -> Timestamp {
        start() + TimeDelta::seconds(seconds)
    }

    #[test]
    fn free_failures_cost_nothing_then_pauses_double_up_to_the_longest() {
        assert!((1..=4).all(|failures| UNTRUSTED.pause(failures) == Duration::ZERO));
        assert_eq!(UNTRUSTED.pause(5), Duration::from_secs(30));
        assert!((5..=10).all(|n| UNTRUSTED.pause(n + 1) == UNTRUSTED.pause(n) * 2));
        assert_eq!(UNTRUSTED.pause(12), Duration::from_hours(1));
        assert_eq!(UNTRUSTED.pause(u32::MAX), Duration::from_hours(1));
        assert_eq!(TRUSTED.pause(10), Duration::ZERO);
        assert_eq!(TRUSTED.pause(11), Duration::from_secs(30));
        assert_eq!(TRUSTED.pause(40), Duration::from_mins(15));
    }

    #[test]
    fn a_repetition_is_not_counted_but_waits_like_everything_else() {
        let mut counter = Counter::new(start());
        for _ in 0..20 {
            assert_eq!(counter.ask(&UNTRUSTED, start(), false, true), Asked::Granted);
        }
        assert_eq!(counter.failures, 0);
        for _ in 0..5 {
            assert_eq!(counter.ask(&UNTRUSTED, start(), false, false), Asked::Granted);
        }
        assert!(matches!(counter.ask(&UNTRUSTED, start(), false, true), Asked::Wait(_)));
    }

    #[test]
    fn in_an_alarm_the_first_failure_already_costs_a_pause() {
        let mut counter = Counter::new(start());
        assert_eq!(counter.ask(&UNTRUSTED, start(), true, false), Asked::Granted);
        assert_eq!(
            counter.ask(&UNTRUSTED, later(29), true, false),
            Asked::Wait(Duration::from_secs(1))
        );
    }

    #[test]
    fn an_address_has_ten_failures_then_a_quarter_of_an_hour_then_twice_that() {
        let mut counter = Counter::new(start());
        for _ in 0..9 {
            counter.leak(&ADDRESS, start());
        }
        assert_eq!(counter.blocked(start()), None);
        counter.leak(&ADDRESS, start());
        assert_eq!(counter.blocked(start()), Some(Duration::from_mins(15)));
        for _ in 0..10 {
            counter.leak(&ADDRESS, later(1000));
        }
        assert_eq!(counter.blocked(later(1000)), Some(Duration::from_mins(30)));
        counter.strikes = 30;
        for _ in 0..10 {
            counter.leak(&ADDRESS, later(10_000));
        }
        assert_eq!(counter.blocked(later(10_000)), Some(Duration::from_hours(24)));
    }

    #[test]
    fn ten_failures_within_a_few_seconds_are_ten() {
        let mut counter = Counter::new(start());
        for second in 0..10 {
            assert_eq!(counter.blocked(later(second)), None);
            counter.leak(&ADDRESS, later(second));
        }
        assert!(counter.blocked(later(10)).is_some());
    }

    #[test]
    fn one_failure_a_minute_never_fills_an_address() {
        let mut counter = Counter::new(start());
        for minute in 0..10_000 {
            counter.leak(&ADDRESS, later(minute * 60));
        }
        assert_eq!(counter.blocked(later(600_000)), None);
    }

    #[test]
    fn a_network_has_sixty_failures_and_five_a_minute() {
        let mut counter = Counter::new(start());
        for nth in 0..10_000 {
            counter.leak(&NETWORK, later(nth * 12));
        }
        assert_eq!(counter.blocked(later(120_000)), None);
        for _ in 0..60 {
            counter.leak(&NETWORK, later(120_000));
        }
        assert_eq!(counter.blocked(later(120_000)), Some(Duration::from_hours(1)));
    }

    #[test]
    fn twenty_different_accounts_within_ten_minutes_block_and_the_same_one_does_not() {
        let key = BucketKey::new(&[1; 32]);
        let account = |nth: i64| key.login(&format!("user{nth}@example.org"));
        let mut counter = Counter::new(start());
        for second in 0..100 {
            counter.spray(&SPRAY_ADDRESS, &account(0), later(second));
        }
        assert_eq!(counter.blocked(later(100)), None, "one account is no spraying");
        for nth in 1..19 {
            counter.spray(&SPRAY_ADDRESS, &account(nth), later(100));
        }
        assert_eq!(counter.blocked(later(100)), None);
        counter.spray(&SPRAY_ADDRESS, &account(19), later(100));
        assert_eq!(counter.blocked(later(100)), Some(Duration::from_mins(15)));
        let mut slow = Counter::new(start());
        for nth in 0..200 {
            slow.spray(&SPRAY_ADDRESS, &account(nth), later(nth * 32));
        }
        assert_eq!(slow.blocked(later(6400)), None, "nineteen in ten minutes");
    }
}
