//! What was revoked.
use keepgate_kernel::{KeyId, SessionId, TenantId, Timestamp, Uuid};

/// A thing whose credentials are dead from one commit on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// One session, for good.
    Session(SessionId),
    /// What a principal holds; it may log in again.
    Principal(Uuid),
    /// What everybody of a tenant holds.
    Tenant(TenantId),
    /// What was remembered about an API key: it was revoked, rotated, or its owner changed. The database says which.
    Key(KeyId),
    /// A key that signs tokens, for good.
    Kid(String),
    /// Every token.
    All,
    /// Nothing: the keys that sign tokens moved on, and the ring has to be read again.
    Ring,
}

/// A kind or id that this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an unknown kind of revocation")]
pub struct UnknownKind;

impl Revoked {
    /// The word in the database and the API.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::Principal(_) => "principal",
            Self::Tenant(_) => "tenant",
            Self::Key(_) => "key",
            Self::Kid(_) => "kid",
            Self::All => "all",
            Self::Ring => "ring",
        }
    }

    /// Read back: `id` for what has one, `kid` for a signing key.
    ///
    /// # Errors
    /// [`UnknownKind`]; whoever reads must then not go on as if nothing had been revoked.
    pub fn stored(kind: &str, id: Option<Uuid>, kid: Option<String>) -> Result<Self, UnknownKind> {
        match (kind, id, kid) {
            ("session", Some(id), None) => Ok(Self::Session(SessionId::from_uuid(id))),
            ("principal", Some(id), None) => Ok(Self::Principal(id)),
            ("tenant", Some(id), None) => Ok(Self::Tenant(TenantId::from_uuid(id))),
            ("key", Some(id), None) => Ok(Self::Key(KeyId::from_uuid(id))),
            ("kid", None, Some(kid)) => Ok(Self::Kid(kid)),
            ("all", None, None) => Ok(Self::All),
            ("ring", None, None) => Ok(Self::Ring),
            _ => Err(UnknownKind),
        }
    }
}

/// One revocation on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Its number: without gaps, in the order of commits.
    pub seq: u64,
    /// What.
    pub what: Revoked,
    /// When nothing it could kill lives any more.
    pub expires_at: Timestamp,
}

/// How much a revocation ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Killed {
    /// Sessions.
    pub sessions: u64,
    /// API keys.
    pub keys: u64,
}

/// What was ordered by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationOrder {
    /// `session`, `principal`, `key`, `tenant`, `kid` or `all`.
    pub kind: &'static str,
    /// Its id as the API writes it; `*` for all.
    pub target: String,
    /// Why: 1 to 200 characters.
    pub reason: String,
}
