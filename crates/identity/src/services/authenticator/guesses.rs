//! How often an address may be wrong about imported keys. They carry no mark of ours, so that a guess costs a hash.
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use chrono::TimeDelta;
use keepgate_kernel::Timestamp;

/// Wrong keys an address may present in a minute. A program with an old key stays below; whoever guesses does not.
const WRONG: u32 = 20;
const WINDOW: TimeDelta = TimeDelta::minutes(1);
const CAPACITY: usize = 10_000;

/// Wrong imported keys by address, in this process.
#[derive(Debug, Default)]
pub(super) struct Guesses(Mutex<HashMap<Option<IpAddr>, (Timestamp, u32)>>);

impl Guesses {
    /// Whether `source` may try another one.
    pub(super) fn admits(&self, source: Option<IpAddr>, at: Timestamp) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&network(source))
            .is_none_or(|(since, wrong)| at >= *since + WINDOW || *wrong < WRONG)
    }

    /// It was wrong.
    pub(super) fn note(&self, source: Option<IpAddr>, at: Timestamp) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= CAPACITY {
            seen.retain(|_, (since, _)| at < *since + WINDOW);
        }
        if seen.len() >= CAPACITY {
            seen.clear();
        }
        let (since, wrong) = seen.entry(network(source)).or_insert((at, 0));
        if at >= *since + WINDOW {
            (*since, *wrong) = (at, 0);
        }
        *wrong += 1;
    }
}

/// Who has one IPv6 address has the 2^64 of its network.
fn network(source: Option<IpAddr>) -> Option<IpAddr> {
    source.map(|address| match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        address @ IpAddr::V4(_) => address,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_after_twenty_wrong_keys_and_others_do_not() {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let (guesses, bad, good) = (
            Guesses::default(),
            Some([10, 0, 0, 1].into()),
            Some([10, 0, 0, 2].into()),
        );
        for _ in 0..WRONG {
            assert!(guesses.admits(bad, at));
            guesses.note(bad, at);
        }
        assert!(!guesses.admits(bad, at) && guesses.admits(good, at) && guesses.admits(None, at));
        assert!(guesses.admits(bad, at + WINDOW));
        guesses.note(bad, at + WINDOW);
        assert!(guesses.admits(bad, at + WINDOW), "the count begins again");
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_together() {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let guesses = Guesses::default();
        for host in 0..u128::from(WRONG) {
            let address: std::net::Ipv6Addr = (0x2001_0db8_0000_0000_u128 << 64 | host).into();
            guesses.note(Some(address.into()), at);
        }
        assert!(!guesses.admits(Some("2001:db8::ffff".parse().unwrap()), at));
        assert!(guesses.admits(Some("2001:db8:0:1::1".parse().unwrap()), at));
    }
}
