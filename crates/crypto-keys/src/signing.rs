//! Seeds of Ed25519 signing keys.
use aws_lc_rs::{
    hkdf,
    signature::{Ed25519KeyPair, KeyPair},
};
use zeroize::Zeroizing;

use crate::{CryptoError, aead};

/// What a signing key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningPurpose {
    /// A tenant's audit checkpoints.
    AuditLog,
    /// The checkpoints of the log of logs.
    MetaLog,
    /// Access tokens.
    Token,
    /// What is posted to webhooks.
    Webhook,
}

impl SigningPurpose {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuditLog => "audit-log",
            Self::MetaLog => "meta-log",
            Self::Token => "access-token",
            Self::Webhook => "webhook",
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

    /// The Ed25519 public key that belongs to it.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn public(&self) -> Result<[u8; 32], CryptoError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&self.seed[..]).map_err(|_| CryptoError::Library)?;
        pair.public_key().as_ref().try_into().map_err(|_| CryptoError::Library)
    }

    /// A seed of another key that follows from this one and `label` (HKDF-SHA256, RFC 5869) and tells nothing about it.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn derive(&self, label: &str) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        let mut out = Zeroizing::new([0; 32]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"keepgate log key v1")
            .extract(&self.seed[..])
            .expand(&[label.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut out[..]))
            .map_err(|_| CryptoError::Library)?;
        Ok(out)
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
