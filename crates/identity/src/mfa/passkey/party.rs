//! Whom passkeys are for.
use aws_lc_rs::digest;

use super::PasskeyError;

/// The relying party: the host that passkeys are bound to, and the pages they may be used on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    id: String,
    origin: String,
}

impl RelyingParty {
    /// One at `origin` (`https://gate.example.org`, with the port if it is no default), whose host is `id`.
    #[must_use]
    pub fn new(id: &str, origin: &str) -> Self {
        Self {
            id: id.to_owned(),
            origin: origin.to_owned(),
        }
    }

    /// The host.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The page's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn check_hash(&self, hash: &[u8]) -> Result<(), PasskeyError> {
        if digest::digest(&digest::SHA256, self.id.as_bytes()).as_ref() == hash {
            Ok(())
        } else {
            Err(PasskeyError::RelyingParty)
        }
    }
}
