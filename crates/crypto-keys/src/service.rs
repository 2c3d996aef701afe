//! The key service: where the root key lives, and what it is asked to do.
use std::{error::Error, fmt};

use async_trait::async_trait;
use keepgate_kernel::Timestamp;
use zeroize::Zeroizing;

use crate::Wrapped;

/// What a wrapped key is for and whose it is. It becomes associated data: a wrapped key opens in the context it was wrapped in, and
/// in no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyContext(String);

impl KeyContext {
    /// `kind` is a word such as `dek`; `owner` is usually an id's bytes; `version` counts from 1.
    #[must_use]
    pub fn new(kind: &str, owner: &[u8], version: i32) -> Self {
        Self(format!(
            "keepgate wrap/v1|{kind}|{}|{version}",
            data_encoding::HEXLOWER.encode(owner)
        ))
    }

    /// ASCII text, the same for the same context for ever.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What may become of a version of a root key (NIST SP 800-57 part 1, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootState {
    /// Wraps and unwraps.
    Active,
    /// Unwraps only: a newer one wraps.
    Deactivated,
    /// Does neither until somebody allows it again.
    Suspended,
    /// Gone for ever.
    Destroyed,
}

/// One version of a root key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootVersion {
    /// Its name, as in [`Wrapped::kek`].
    pub kek: String,
    /// What it may be used for.
    pub state: RootState,
    /// When it was made, where the service tells.
    pub created_at: Option<Timestamp>,
}

/// A root key as its service describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootKey {
    /// Which service: `file`, `openbao`, `aws`, `gcp`, `memory`.
    pub service: &'static str,
    /// The key's name there, such as `transit/keepgate`. Safe to show.
    pub name: String,
    /// [`Wrapped::kek`] of what is wrapped from now on.
    pub current: String,
    /// The versions the service tells of, newest first, the current one among them.
    pub versions: Vec<RootVersion>,
}

/// Why a key service did not do it. No message holds a key, a token or an answer's body.
#[derive(Debug, thiserror::Error)]
pub enum KeyServiceError {
    /// No answer in time.
    #[error("the key service did not answer in time")]
    Slow,
    /// It can't be reached, or failed on its side.
    #[error("the key service is not available")]
    Down(#[source] Box<dyn Error + Send + Sync>),
    /// It asks for patience.
    #[error("the key service refuses for now: too many calls")]
    Throttled,
    /// It does not let us in, or not to this key.
    #[error("the key service does not allow it: {0}")]
    Denied(&'static str),
    /// There is no such key.
    #[error("the key service has no such key")]
    NoKey,
    /// Another key wrapped it, or for something else, or it was edited. It does not say which.
    #[error("the wrapped key does not open under this root key")]
    WrongKey,
    /// The version that wrapped it is suspended or destroyed.
    #[error("the version of the root key that wrapped it is not in use any more")]
    Revoked,
    /// What it answers makes no sense.
    #[error("the key service's answer is not understood: {0}")]
    Strange(&'static str),
    /// It can't be done with this kind of service, or not by us.
    #[error("this key service can't do it: {0}")]
    Unsupported(&'static str),
    /// No randomness, or the cryptographic library refused.
    #[error("the cryptographic library failed")]
    Library,
}

impl KeyServiceError {
    /// Whether the same call may succeed in a moment.
    #[must_use]
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Slow | Self::Down(_) | Self::Throttled)
    }

    /// A word for metrics and logs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Down(_) => "down",
            Self::Throttled => "throttled",
            Self::Denied(_) => "denied",
            Self::NoKey => "no-key",
            Self::WrongKey => "wrong-key",
            Self::Revoked => "revoked",
            Self::Strange(_) => "strange",
            Self::Unsupported(_) => "unsupported",
            Self::Library => "library",
        }
    }
}

/// Wraps keys under a root key that need not be in this process. One call each, no patience of its own.
#[async_trait]
pub trait KeyService: Send + Sync + fmt::Debug {
    /// Wraps 32 bytes under the newest version.
    async fn wrap(&self, context: &KeyContext, key: &[u8; 32]) -> Result<Wrapped, KeyServiceError>;

    /// The 32 bytes again.
    async fn unwrap(&self, context: &KeyContext, wrapped: &Wrapped) -> Result<Zeroizing<[u8; 32]>, KeyServiceError>;

    /// Adds a version, which wraps from now on; older ones go on unwrapping.
    async fn rotate(&self) -> Result<RootVersion, KeyServiceError>;

    /// What the service tells of the key.
    async fn describe(&self) -> Result<RootKey, KeyServiceError>;
}
