//! Seeds of Ed25519 signing keys.
use zeroize::Zeroizing;

use crate::{CryptoError, aead};

/// What a signing key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningPurpose {
    /// A tenant's audit checkpoints.
    AuditLog,
    /// Access tokens.
    Token,
}

impl SigningPurpose {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuditLog => "audit-log",
            Self::Token => "access-token",
        }
    }
}

/// The 32-byte seed of an Ed25519 key (RFC 8032).
pub struct SigningSeed {
    purpose: SigningPurpose,
    seed: Zeroizing<[u8; 32]>,
}

impl SigningSeed {
    /// A fresh seed.
    ///
    /// # Errors
    /// [`CryptoError::Library`] without randomness.
    pub fn generate(purpose: SigningPurpose) -> Result<Self, CryptoError> {
        Ok(Self {
            purpose,
            seed: aead::random_secret()?,
        })
    }

    /// A seed that is known already.
    #[must_use]
    pub const fn from_bytes(purpose: SigningPurpose, seed: Zeroizing<[u8; 32]>) -> Self {
        Self { purpose, seed }
    }

    /// What it is for.
    #[must_use]
    pub const fn purpose(&self) -> SigningPurpose {
        self.purpose
    }

    /// The seed, to make a signer of.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.seed
    }
}

impl std::fmt::Debug for SigningSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningSeed")
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}
