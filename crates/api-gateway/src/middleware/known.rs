//! Which credentials were verified a moment ago, and whose they are: their next requests need not be taken for a stranger's.
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use axum::http::HeaderValue;
use keepgate_kernel::PrincipalId;

/// How long a verification counts. It gives no access: the credential is verified again at each request.
pub(super) const LIFE: Duration = Duration::from_mins(10);
/// How many are remembered; one more is its address's, as before its verification.
const ROOM: usize = 200_000;

/// The keyed hash of a credential as presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Name(u64);

/// Verified credentials of one process. Holds none of them, only keyed hashes.
#[derive(Debug, Default)]
pub(super) struct Known {
    hasher: RandomState,
    owners: RwLock<HashMap<Name, (PrincipalId, Instant)>>,
}

impl Known {
    pub(super) fn name(&self, text: &HeaderValue) -> Name {
        Name(self.hasher.hash_one(text.as_bytes()))
    }

    /// Whose it was when it was last verified, if that is not long ago.
    pub(super) fn owner(&self, name: Name, now: Instant) -> Option<PrincipalId> {
        let owners = self.owners.read().unwrap_or_else(PoisonError::into_inner);
        let (owner, since) = owners.get(&name)?;
        (now.saturating_duration_since(*since) < LIFE).then_some(*owner)
    }

    /// It has just been verified.
    pub(super) fn remember(&self, name: Name, owner: PrincipalId, now: Instant) {
        let recent = |since: Instant| now.saturating_duration_since(since) < LIFE / 2;
        let read = self.owners.read().unwrap_or_else(PoisonError::into_inner);
        if read
            .get(&name)
            .is_some_and(|(same, since)| *same == owner && recent(*since))
        {
            return;
        }
        drop(read);
        let mut owners = self.owners.write().unwrap_or_else(PoisonError::into_inner);
        if owners.len() >= ROOM {
            owners.retain(|_, (_, since)| now.saturating_duration_since(*since) < LIFE);
        }
        if owners.len() < ROOM {
            owners.insert(name, (owner, now));
        }
    }

    /// It is good no longer.
    pub(super) fn forget(&self, name: Name) {
        self.owners
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&name);
    }

    /// Drops the old ones.
    pub(super) fn sweep(&self, now: Instant) {
        self.owners
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, (_, since)| now.saturating_duration_since(*since) < LIFE);
    }
}

#[cfg(test)]
mod tests {
    use keepgate_kernel::{PrincipalKind, Timestamp};

    use super::*;

    #[test]
    fn a_verification_counts_for_ten_minutes_and_until_it_is_forgotten() {
        let (known, start) = (Known::default(), Instant::now());
        let at: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let ann = PrincipalId::new(PrincipalKind::User, at);
        let [name, other] = ["Bearer a", "Bearer b"].map(|text| known.name(&HeaderValue::from_static(text)));
        assert_eq!(known.owner(name, start), None);
        known.remember(name, ann, start);
        known.remember(name, ann, start + LIFE / 4);
        assert_eq!(known.owner(name, start + LIFE - Duration::from_secs(1)), Some(ann));
        assert_eq!(known.owner(other, start), None);
        assert_eq!(known.owner(name, start + LIFE), None);
        known.remember(name, ann, start + LIFE);
        assert_eq!(known.owner(name, start + LIFE), Some(ann));
        known.sweep(start + LIFE * 3);
        assert_eq!(known.owner(name, start + LIFE), None, "swept");
        known.remember(name, ann, start);
        known.forget(name);
        assert_eq!(known.owner(name, start), None);
    }
}
