//! Keys of single persons: what is sealed under one is gone when it is destroyed.
use keepgate_kernel::{TenantId, Uuid};
use zeroize::Zeroizing;

use crate::{CryptoError, aead};

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
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self { tenant, subject, key } = self;
        [tenant.uuid().as_bytes(), subject.as_bytes(), key.as_bytes()]
            .map(|id| &id[..])
            .concat()
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
    use crate::Kek;

    fn owner(subject: u128, key: u128) -> SubjectOwner {
        SubjectOwner {
            tenant: TenantId::from_uuid(Uuid::nil()),
            subject: Uuid::from_u128(subject),
            key: Uuid::from_u128(key),
        }
    }

    #[test]
    fn a_wrapped_key_opens_for_its_person_and_number_only() {
        let kek = Kek::new(Zeroizing::new([1; 32]));
        let key = SubjectDek::generate().unwrap();
        let wrapped = kek.wrap_subject(&key, &owner(1, 1)).unwrap();
        assert_eq!(wrapped.bytes.len(), 60);
        assert_eq!(kek.unwrap_subject(&wrapped, &owner(1, 1)).unwrap().bytes(), key.bytes());
        for other in [owner(2, 1), owner(1, 2)] {
            assert!(kek.unwrap_subject(&wrapped, &other).is_err());
        }
        assert!(
            Kek::new(Zeroizing::new([2; 32]))
                .unwrap_subject(&wrapped, &owner(1, 1))
                .is_err()
        );
    }

    #[test]
    fn a_value_opens_where_it_was_sealed_for_and_nowhere_else() {
        let key = SubjectDek::generate().unwrap();
        let sealed = key.seal(b"here", b"192.0.2.7").unwrap();
        assert_eq!(&key.open(b"here", &sealed).unwrap()[..], b"192.0.2.7");
        assert!(key.open(b"there", &sealed).is_err());
        assert!(SubjectDek::generate().unwrap().open(b"here", &sealed).is_err());
    }
}
