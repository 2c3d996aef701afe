//! The life of a key that signs tokens: pending, active, retired, gone.
use chrono::TimeDelta;
use keepgate_kernel::Timestamp;

use crate::SESSION_LIFE;

/// How long a key is published before it signs, so that whoever keeps the document has seen it: 24 hours.
pub const PUBLISHED: TimeDelta = TimeDelta::hours(24);

/// How long a key verifies after its last signature: a token's life, and five minutes for clocks.
pub const VERIFIES: TimeDelta = TimeDelta::minutes(8 * 60 + 5);

const _: () = assert!(VERIFIES.num_seconds() > SESSION_LIFE.num_seconds());

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published, and verifies; does not sign yet.
    Pending,
    /// Signs. There is one.
    Active,
    /// Verifies what it signed. Its seed is destroyed.
    Retired,
    /// Worth nothing: its time is over, or it was revoked.
    Gone,
}

impl KeyState {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Gone => "gone",
        }
    }
}

/// What became of an attempt to move on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// This key signs now.
    Turned(String),
    /// The pending one has not been published for long enough.
    Young,
    /// There is no pending one.
    None,
}

/// A seed as stored: sealed under the key-encryption key, which the database never sees.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSeed {
    /// Which key-encryption key.
    pub kek: String,
    /// Nonce, ciphertext, tag.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for SealedSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedSeed")
            .field("kek", &self.kek)
            .finish_non_exhaustive()
    }
}

/// A key to be put on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSigningKey {
    /// Its name: 16 characters of its RFC 7638 thumbprint.
    pub kid: String,
    /// The public half.
    pub public: [u8; 32],
    /// The private half.
    pub seed: SealedSeed,
}

/// A key on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its name.
    pub kid: String,
    /// The public half.
    pub public: [u8; 32],
    /// The private half; `None` once it must not sign any more.
    pub seed: Option<SealedSeed>,
    /// When it was made and published.
    pub created_at: Timestamp,
    /// When it began to sign.
    pub activated_at: Option<Timestamp>,
    /// When it ceased to.
    pub retired_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl SigningKey {
    /// Where it stands `at` an instant.
    #[must_use]
    pub fn state(&self, at: Timestamp) -> KeyState {
        match (self.revoked_at, self.retired_at, self.activated_at) {
            (Some(_), _, _) => KeyState::Gone,
            (None, Some(retired), _) if retired + VERIFIES <= at => KeyState::Gone,
            (None, Some(_), _) => KeyState::Retired,
            (None, None, Some(_)) => KeyState::Active,
            (None, None, None) => KeyState::Pending,
        }
    }

    /// When what it signed is worth nothing any more; `None` while it may still sign.
    #[must_use]
    pub fn verifies_until(&self) -> Option<Timestamp> {
        self.revoked_at
            .or_else(|| self.retired_at.map(|retired| retired + VERIFIES))
    }

    /// When a pending key may begin to sign.
    #[must_use]
    pub fn ripe_at(&self) -> Timestamp {
        self.created_at + PUBLISHED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey {
            kid: "k".into(),
            public: [0; 32],
            seed: None,
            created_at: at("2026-01-01T00:00:00Z"),
            activated_at: None,
            retired_at: None,
            revoked_at: None,
        }
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn a_key_goes_from_pending_to_gone_and_verifies_a_token_s_life_after_its_last_signature() {
        let now = at("2026-01-03T00:00:00Z");
        assert_eq!(key().state(now), KeyState::Pending);
        assert_eq!(key().ripe_at(), at("2026-01-02T00:00:00Z"));
        let active = SigningKey {
            activated_at: Some(key().ripe_at()),
            ..key()
        };
        assert_eq!((active.state(now), active.verifies_until()), (KeyState::Active, None));
        let retired = SigningKey {
            retired_at: Some(now),
            ..active.clone()
        };
        assert_eq!(retired.state(now), KeyState::Retired);
        assert_eq!(retired.state(at("2026-01-03T08:04:59Z")), KeyState::Retired);
        assert_eq!(retired.state(at("2026-01-03T08:05:00Z")), KeyState::Gone);
        assert_eq!(retired.verifies_until(), Some(at("2026-01-03T08:05:00Z")));
        let revoked = SigningKey {
            revoked_at: Some(now),
            ..active
        };
        assert_eq!(
            (revoked.state(now), revoked.verifies_until()),
            (KeyState::Gone, Some(now))
        );
    }

    #[test]
    fn a_sealed_seed_does_not_print_itself() {
        let seed = SealedSeed {
            kek: "0".into(),
            bytes: vec![0xab; 60],
        };
        assert!(!format!("{seed:?}").contains("171"));
    }
}
