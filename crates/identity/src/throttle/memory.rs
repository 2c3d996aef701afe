//! What one process remembers by itself: blocked sources, wrong passwords of the last minutes, and how much failing is usual.
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use keepgate_kernel::{TenantId, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use super::{
    Baseline, Bucket, Guard, Places,
    numbers::{ALARM_LASTS, REPEAT},
};

/// How many entries one map keeps.
const ROOM: usize = 100_000;
/// How many tenants have a baseline of their own.
const TENANTS: usize = 10_000;

/// The memory of one process. A block is honoured here even when the table has been lost or can't be read.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Keys a wrong password, so that neither it nor a plain hash of it stays in memory.
    hasher: RandomState,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    blocked: HashMap<Bucket, Timestamp>,
    wrong: HashMap<(Bucket, u64), Timestamp>,
    everywhere: Baseline,
    tenants: HashMap<TenantId, Baseline>,
}

impl Watch {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, account: Bucket, password: &SecretString) -> (Bucket, u64) {
        (account, self.hasher.hash_one(password.expose_secret()))
    }

    /// How long one of `places` is blocked.
    pub(crate) fn blocked(&self, places: &Places, at: Timestamp) -> Option<(Duration, Guard)> {
        let inner = self.lock();
        let left = |(bucket, guard): (Bucket, Guard)| {
            let until = inner.blocked.get(&bucket)?;
            Some((
                (*until - at).to_std().ok().filter(|left| *left > Duration::ZERO)?,
                guard,
            ))
        };
        places.all().into_iter().filter_map(left).max_by_key(|(left, _)| *left)
    }

    /// Remembers blocks that the store has told.
    pub(crate) fn remember_blocks(&self, blocks: &[(Bucket, Timestamp)], at: Timestamp) {
        let mut inner = self.lock();
        if inner.blocked.len() + blocks.len() > ROOM {
            inner.blocked.retain(|_, until| *until > at);
        }
        for (bucket, until) in blocks {
            if inner.blocked.len() < ROOM {
                inner.blocked.insert(*bucket, *until);
            }
        }
    }

    /// Whether `password` was found wrong on `account` a moment ago.
    pub(crate) fn repeats(&self, account: Bucket, password: &SecretString, at: Timestamp) -> bool {
        let key = self.key(account, password);
        let recent = |since: &Timestamp| (at - *since).to_std().is_ok_and(|age| age < REPEAT);
        self.lock().wrong.get(&key).is_some_and(recent)
    }

    /// A password was wrong. Says whether that made an alarm begin.
    pub(crate) fn wrong(
        &self,
        account: Bucket,
        password: &SecretString,
        tenant: Option<TenantId>,
        at: Timestamp,
    ) -> bool {
        let key = self.key(account, password);
        let mut inner = self.lock();
        if inner.wrong.len() >= ROOM {
            inner
                .wrong
                .retain(|_, since| (at - *since).to_std().is_ok_and(|age| age < REPEAT));
        }
        // The first time counts: the same one again does not prolong it.
        if inner.wrong.len() < ROOM
            && !inner
                .wrong
                .get(&key)
                .is_some_and(|since| (at - *since).to_std().is_ok_and(|age| age < REPEAT))
        {
            inner.wrong.insert(key, at);
        }
        let everywhere = inner.everywhere.failed(at);
        let there = match tenant {
            Some(tenant) if inner.tenants.len() < TENANTS || inner.tenants.contains_key(&tenant) => {
                inner.tenants.entry(tenant).or_default().failed(at)
            }
            _ => false,
        };
        everywhere || there
    }

    /// Whether there is an alarm, anywhere or in `tenant`.
    pub(crate) fn is_alarmed(&self, tenant: Option<TenantId>, at: Timestamp) -> bool {
        let inner = self.lock();
        let there = tenant.and_then(|tenant| inner.tenants.get(&tenant));
        inner.everywhere.is_alarmed(at, ALARM_LASTS) || there.is_some_and(|one| one.is_alarmed(at, ALARM_LASTS))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::BucketKey;

    #[test]
    fn the_same_wrong_password_is_known_for_ten_minutes_from_the_first_time() {
        let (watch, account) = (Watch::default(), BucketKey::new(&[1; 32]).login("ann"));
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let at = |minutes| start + TimeDelta::minutes(minutes);
        let (wrong, other) = (SecretString::from("one"), SecretString::from("other"));
        assert!(!watch.repeats(account, &wrong, at(0)));
        watch.wrong(account, &wrong, None, at(0));
        watch.wrong(account, &wrong, None, at(8));
        assert!(watch.repeats(account, &wrong, at(9)));
        assert!(
            !watch.repeats(account, &wrong, at(10)),
            "eight minutes later did not prolong it"
        );
        assert!(!watch.repeats(account, &other, at(1)));
        assert!(!watch.repeats(BucketKey::new(&[1; 32]).login("bob"), &wrong, at(1)));
    }

    #[test]
    fn a_block_ends_by_itself() {
        let watch = Watch::default();
        let places = BucketKey::new(&[1; 32]).places("192.0.2.1".parse().unwrap());
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        watch.remember_blocks(&[(places.network, start + TimeDelta::minutes(1))], start);
        assert_eq!(
            watch.blocked(&places, start),
            Some((Duration::from_mins(1), Guard::Network))
        );
        assert_eq!(watch.blocked(&places, start + TimeDelta::minutes(1)), None);
    }
}
