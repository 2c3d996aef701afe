//! The copy in memory.
use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use keepgate_kernel::{KeyId, SessionId, TenantId, Timestamp, Uuid};
use keepgate_policy::Credential;
use tokio::{sync::watch, time::Instant};

use super::{Presented, Revocation, RevocationView, Revoked, STALE, Sight};

#[derive(Debug, Clone, Copy)]
struct Mark {
    seq: u64,
    expires_at: Timestamp,
}

#[derive(Debug, Default)]
struct Known {
    seq: u64,
    /// The instant before the database was last asked with success.
    as_of: Option<Instant>,
    sessions: HashMap<SessionId, Timestamp>,
    principals: HashMap<Uuid, Mark>,
    tenants: HashMap<TenantId, Mark>,
    keys: HashMap<KeyId, Mark>,
    kids: HashMap<String, Timestamp>,
    all: u64,
}

/// What this process knows. Empty and stale until a [`super::Follower`] has read for the first time.
#[derive(Debug)]
pub struct RevocationMirror {
    known: RwLock<Known>,
    bell: watch::Sender<u64>,
}

impl RevocationMirror {
    /// Knows nothing, and says so.
    #[must_use]
    pub fn new() -> Self {
        Self {
            known: RwLock::default(),
            bell: watch::Sender::new(0),
        }
    }

    /// Takes in what was read at `as_of` or later, numbered up to `head`, all at once.
    pub fn learn(&self, revocations: &[Revocation], head: u64, as_of: Instant) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        revocations.iter().for_each(|revocation| known.add(revocation));
        let rings = head != known.seq;
        known.seq = head;
        known.as_of = known.as_of.max(Some(as_of));
        drop(known);
        if rings {
            self.bell.send_replace(head);
        }
    }

    /// Takes in a part of what there is. How fresh the copy is does not change: more is to come.
    pub(super) fn grow(&self, revocations: &[Revocation], last: u64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        revocations.iter().for_each(|revocation| known.add(revocation));
        known.seq = last;
    }

    /// Forgets everything: the database went back in time, as after a restore.
    pub fn forget(&self) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known::default();
    }

    /// Drops what can kill nothing any more.
    pub fn sweep(&self, now: Timestamp) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.sessions.retain(|_, end| *end > now);
        known.kids.retain(|_, end| *end > now);
        known.principals.retain(|_, mark| mark.expires_at > now);
        known.tenants.retain(|_, mark| mark.expires_at > now);
        known.keys.retain(|_, mark| mark.expires_at > now);
    }

    /// How many things are known to be revoked.
    #[must_use]
    pub fn len(&self) -> usize {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.sessions.len() + known.principals.len() + known.tenants.len() + known.keys.len() + known.kids.len()
    }

    /// Whether nothing is known to be revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How long ago the database was heard; `None` before the first time.
    #[must_use]
    pub fn age(&self) -> Option<std::time::Duration> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.as_of.map(|as_of| as_of.elapsed())
    }
}

impl Default for RevocationMirror {
    fn default() -> Self {
        Self::new()
    }
}

impl Known {
    fn add(&mut self, revocation: &Revocation) {
        let mark = Mark {
            seq: revocation.seq,
            expires_at: revocation.expires_at,
        };
        match &revocation.what {
            Revoked::Session(id) => drop(self.sessions.insert(*id, mark.expires_at)),
            Revoked::Principal(id) => drop(self.principals.insert(*id, mark)),
            Revoked::Tenant(id) => drop(self.tenants.insert(*id, mark)),
            Revoked::Key(id) => drop(self.keys.insert(*id, mark)),
            Revoked::Kid(kid) => drop(self.kids.insert(kid.clone(), mark.expires_at)),
            Revoked::All => self.all = self.all.max(mark.seq),
            Revoked::Ring => {}
        }
    }

    fn is_fresh(&self) -> bool {
        self.as_of.is_some_and(|as_of| as_of.elapsed() <= STALE)
    }

    fn kills(&self, presented: &Presented) -> bool {
        let later = |mark: Option<&Mark>| mark.is_some_and(|mark| mark.seq > presented.seen);
        let own = match presented.credential {
            Credential::Session(id) => self.sessions.contains_key(&id) || self.all > presented.seen,
            Credential::ApiKey(id) => later(self.keys.get(&id)),
            Credential::System => false,
        };
        own || later(self.principals.get(&presented.principal))
            || later(self.tenants.get(&presented.tenant))
            || presented.kid.as_ref().is_some_and(|kid| self.kids.contains_key(kid))
    }
}

impl RevocationView for RevocationMirror {
    fn sight(&self, presented: &Presented) -> Sight {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.kills(presented) {
            Sight::Dead
        } else if known.is_fresh() && presented.seen <= known.seq {
            Sight::Live
        } else {
            Sight::Unknown
        }
    }

    fn seq(&self) -> u64 {
        self.known.read().unwrap_or_else(PoisonError::into_inner).seq
    }

    fn is_fresh(&self) -> bool {
        self.known.read().unwrap_or_else(PoisonError::into_inner).is_fresh()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.bell.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(1);

    fn ago(long: Duration) -> Instant {
        Instant::now().checked_sub(long).unwrap()
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn now() -> Timestamp {
        at("2026-01-02T03:04:05Z")
    }

    fn token() -> Presented {
        Presented {
            tenant: TenantId::new(now()),
            principal: SessionId::new(now()).uuid(),
            credential: Credential::Session(SessionId::new(now())),
            kid: Some("k1".into()),
            seen: 10,
        }
    }

    fn mirror(seq: u64, what: Revoked) -> RevocationMirror {
        let mirror = RevocationMirror::new();
        let expires_at = at("2026-01-02T11:09:05Z");
        mirror.learn(&[Revocation { seq, what, expires_at }], seq.max(10), Instant::now());
        mirror
    }

    #[test]
    fn what_was_opened_after_a_revocation_lives_and_what_was_before_is_dead() {
        let token = token();
        for what in [
            Revoked::Principal(token.principal),
            Revoked::Tenant(token.tenant),
            Revoked::All,
        ] {
            assert_eq!(mirror(11, what.clone()).sight(&token), Sight::Dead, "{what:?}");
            assert_eq!(mirror(10, what.clone()).sight(&token), Sight::Live, "{what:?}");
        }
    }

    #[test]
    fn a_session_and_a_kid_stay_dead() {
        let token = token();
        let Credential::Session(session) = token.credential else {
            unreachable!()
        };
        assert_eq!(mirror(3, Revoked::Session(session)).sight(&token), Sight::Dead);
        assert_eq!(mirror(3, Revoked::Kid("k1".into())).sight(&token), Sight::Dead);
        assert_eq!(mirror(3, Revoked::Kid("k2".into())).sight(&token), Sight::Live);
        assert_eq!(mirror(11, Revoked::Ring).sight(&token), Sight::Live);
    }

    #[test]
    fn what_is_remembered_of_a_key_is_dropped_by_what_came_later_only() {
        let id = KeyId::new(now());
        let key = Presented {
            credential: Credential::ApiKey(id),
            kid: None,
            ..token()
        };
        assert_eq!(mirror(11, Revoked::Key(id)).sight(&key), Sight::Dead);
        assert_eq!(mirror(10, Revoked::Key(id)).sight(&key), Sight::Live);
        assert_eq!(mirror(11, Revoked::All).sight(&key), Sight::Live, "keys are no tokens");
    }

    #[test]
    fn nothing_is_live_before_the_first_reading_nor_three_seconds_after_the_last() {
        let mirror = RevocationMirror::new();
        let token = Presented { seen: 0, ..token() };
        assert_eq!(mirror.sight(&token), Sight::Unknown);
        mirror.learn(&[], 0, ago(STALE + MOMENT));
        assert_eq!(mirror.sight(&token), Sight::Unknown);
        assert!(!mirror.is_fresh());
        mirror.learn(&[], 0, ago(STALE - Duration::from_secs(1)));
        assert_eq!(mirror.sight(&token), Sight::Live);
    }

    #[test]
    fn the_dead_stay_dead_when_the_view_is_stale() {
        let token = token();
        let (mirror, expires_at) = (RevocationMirror::new(), at("2026-01-02T11:09:05Z"));
        let what = Revoked::Principal(token.principal);
        let dead = Revocation {
            seq: 11,
            what,
            expires_at,
        };
        mirror.learn(&[dead], 11, ago(STALE + MOMENT));
        assert_eq!(mirror.sight(&token), Sight::Dead);
    }

    #[test]
    fn a_token_from_a_later_time_than_the_view_s_is_not_judged() {
        let mirror = mirror(1, Revoked::Ring);
        assert_eq!(mirror.sight(&Presented { seen: 11, ..token() }), Sight::Unknown);
    }

    #[test]
    fn a_reading_that_began_earlier_does_not_turn_the_clock_back() {
        let mirror = RevocationMirror::new();
        mirror.learn(&[], 0, Instant::now());
        mirror.learn(&[], 0, ago(STALE + MOMENT));
        assert!(mirror.is_fresh());
    }

    #[test]
    fn what_has_ended_is_swept_and_not_before() {
        let mirror = mirror(1, Revoked::Principal(token().principal));
        mirror.sweep(at("2026-01-02T11:09:04Z"));
        assert_eq!(mirror.len(), 1);
        mirror.sweep(at("2026-01-02T11:09:05Z"));
        assert!(mirror.is_empty());
    }
}
