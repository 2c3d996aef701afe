//! Where secrets of the configuration live.
mod memory;

use std::{error::Error, fmt};

use async_trait::async_trait;
pub use memory::MemorySecrets;
use zeroize::Zeroizing;

/// The largest secret, in bytes: what the smallest of the stores takes (Google Secret Manager, 64 KiB).
pub const LARGEST_SECRET: usize = 65_536;

/// A secret and which version of it this is.
#[derive(Clone)]
pub struct Secret {
    /// Its bytes, at most [`LARGEST_SECRET`].
    pub value: Zeroizing<Vec<u8>>,
    /// The store's name of the version: equal for equal versions, and safe to show.
    pub version: String,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Why a store gave no secret. No message holds a secret or an answer's body.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// No answer in time.
    #[error("the secret store did not answer in time")]
    Slow,
    /// It can't be reached, or failed on its side.
    #[error("the secret store is not available")]
    Down(#[source] Box<dyn Error + Send + Sync>),
    /// It asks for patience.
    #[error("the secret store refuses for now: too many calls")]
    Throttled,
    /// It does not let us in, or not to this secret.
    #[error("the secret store does not allow it: {0}")]
    Denied(&'static str),
    /// No such secret, or no such version.
    #[error("the secret store has no such secret or version")]
    NotFound,
    /// The version was disabled or destroyed.
    #[error("this version of the secret is not in use any more")]
    Revoked,
    /// Empty, too large, or damaged on its way.
    #[error("the secret is not usable: {0}")]
    Unusable(&'static str),
    /// What it answers makes no sense.
    #[error("the secret store's answer is not understood: {0}")]
    Strange(&'static str),
}

impl SecretError {
    /// Whether the same call may succeed in a moment.
    #[must_use]
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Slow | Self::Down(_) | Self::Throttled)
    }
}

/// A store of secrets. One call each, no patience of its own.
#[async_trait]
pub trait SecretStore: Send + Sync + fmt::Debug {
    /// The secret named `name` in the store's own way: its newest version, or the one asked for.
    async fn get(&self, name: &str, version: Option<&str>) -> Result<Secret, SecretError>;

    /// Waits until the newest version is another one than `known`, and returns it. An error ends the wait; whoever asks may ask
    /// again. Dropping the future is safe.
    async fn watch(&self, name: &str, known: &str) -> Result<Secret, SecretError>;
}
