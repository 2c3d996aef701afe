//! Which keys were used since the last time anybody wrote that down.
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use keepgate_kernel::{KeyId, Timestamp};

use super::record::KeyUse;

/// The key; whether it was used with its secret before the last rotation.
type Used = (KeyId, bool);
/// When, and from where.
type Last = (Timestamp, Option<IpAddr>);

/// Uses that wait to be written. One entry for each key, however often it is used.
#[derive(Debug, Default)]
pub(crate) struct Uses(Mutex<HashMap<Used, Last>>);

impl Uses {
    /// The key was used; `old`: with its secret before the last rotation.
    pub(crate) fn note(&self, key: KeyId, old: bool, at: Timestamp, source: Option<IpAddr>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = waiting.entry((key, old)).or_insert((at, source));
        if latest.0 <= at {
            *latest = (at, source);
        }
    }

    /// What waits; from now on nothing does.
    pub(crate) fn take(&self) -> Vec<KeyUse> {
        let waiting = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let told = |((key, old), (at, source))| KeyUse { key, at, source, old };
        waiting.into_iter().map(told).collect()
    }

    /// They could not be written: they wait on, behind whatever came meanwhile.
    pub(crate) fn put_back(&self, uses: &[KeyUse]) {
        for used in uses {
            self.note(used.key, used.old, used.at, used.source);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_last_use_counts_and_one_that_came_back_never_hides_a_later_one() {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let (key, uses, later) = (KeyId::new(at), Uses::default(), at + TimeDelta::seconds(5));
        uses.note(key, false, at, Some([10, 0, 0, 1].into()));
        uses.note(key, false, later, Some([10, 0, 0, 2].into()));
        let taken = uses.take();
        assert_eq!(taken.len(), 1);
        assert_eq!((taken[0].at, taken[0].source), (later, Some([10, 0, 0, 2].into())));
        assert!(uses.take().is_empty());
        let latest = later + TimeDelta::seconds(1);
        uses.note(key, false, latest, None);
        uses.put_back(&taken);
        assert_eq!(uses.take()[0].at, latest);
    }

    #[test]
    fn the_secret_before_a_rotation_is_counted_apart() {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let (key, uses) = (KeyId::new(at), Uses::default());
        uses.note(key, false, at, None);
        uses.note(key, true, at, None);
        assert_eq!(uses.take().len(), 2);
    }
}
