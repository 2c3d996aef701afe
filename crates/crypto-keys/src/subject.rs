//! Keys of single persons: what is sealed under one is gone when it is destroyed.
use keepgate_kernel::{TenantId, Uuid};
use zeroize::Zeroizing;

use crate::{CryptoError, KeyContext, aead};

/// Whose key it is; bound to it when it is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubjectOwner {
    /// The tenant.
    pub tenant: TenantId,
    /// The person: a principal's number, or the tenant's own for people nobody knows.
    pub subject: Uuid,
    /// The key's number.
    pub key: Uuid,
}

impl SubjectOwner {
    pub(crate) fn context(&self) -> KeyContext {
        let Self { tenant, subject, key } = self;
        let whose = [tenant.uuid(), *subject, *key].map(Uuid::into_bytes).concat();
        KeyContext::new("subject", &whose, 1)
    }
}

/// A key of one person, AES-256-GCM.
pub struct SubjectDek {
    key: Zeroizing<[u8; 32]>,
}

impl SubjectDek {
    /// A fresh key.
    ///
    /// # Errors
    /// [`CryptoError::Library`] without randomness.
    pub fn generate() -> Result<Self, CryptoError> {
        Ok(Self {
            key: aead::random_secret()?,
        })
    }

    pub(crate) const fn from_bytes(key: Zeroizing<[u8; 32]>) -> Self {
        Self { key }
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// `nonce (12) || ciphertext || tag (16)`; `binding` is associated data.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn seal(&self, binding: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        aead::seal(&self.key, binding, plaintext)
    }

    /// What was sealed with the same binding.
    ///
    /// # Errors
    /// [`CryptoError::Unopenable`].
    pub fn open(&self, binding: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        aead::open(&self.key, binding, sealed)
    }
}

impl std::fmt::Debug for SubjectDek {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubjectDek").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_where_it_was_sealed_for_and_nowhere_else() {
        let key = SubjectDek::generate().unwrap();
        let sealed = key.seal(b"here", b"192.0.2.7").unwrap();
        assert_eq!(&key.open(b"here", &sealed).unwrap()[..], b"192.0.2.7");
        assert!(key.open(b"there", &sealed).is_err());
        assert!(SubjectDek::generate().unwrap().open(b"here", &sealed).is_err());
    }
}
