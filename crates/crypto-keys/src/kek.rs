//! The key-encryption key.
use aws_lc_rs::{digest, hkdf};
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::{CryptoError, DataKey, SigningSeed, SubjectDek, SubjectOwner, Unopenable, aead};

/// The key that wraps every other. It comes from a key file and never reaches the database.
pub struct Kek {
    id: String,
    key: Zeroizing<[u8; 32]>,
}

/// A key wrapped by a [`Kek`], as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// Which KEK wrapped it.
    pub kek: String,
    /// `nonce || ciphertext || tag`.
    pub bytes: Vec<u8>,
}

impl Kek {
    /// A KEK from its 32 bytes.
    #[must_use]
    pub fn new(key: Zeroizing<[u8; 32]>) -> Self {
        let digest = digest::digest(&digest::SHA256, &[b"keepgate kek id/v1\0", &key[..]].concat());
        let id = digest
            .as_ref()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self { id, key }
    }

    /// A name for the key that tells nothing about it: 16 hex digits of a hash.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// 32 bytes for another purpose, by HKDF-SHA256 (RFC 5869) with `label` as info. The same KEK and label give the same
    /// bytes on every instance.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn derive(&self, label: &str) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        let mut out = Zeroizing::new([0; 32]);
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"keepgate/v1");
        salt.extract(&self.key[..])
            .expand(&[label.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut out[..]))
            .map_err(|_| CryptoError::Library)?;
        Ok(out)
    }

    /// Wraps a data key for storage; `owner` (a tenant's id) becomes associated data.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn wrap(&self, key: &DataKey, owner: &[u8]) -> Result<Wrapped, CryptoError> {
        self.wrap_bytes(key.bytes(), &Self::context("dek", owner, key.version()))
    }

    /// The data key again.
    ///
    /// # Errors
    /// [`CryptoError::Unopenable`] when another KEK wrapped it, or for another owner or version.
    pub fn unwrap(&self, wrapped: &Wrapped, owner: &[u8], version: i32) -> Result<DataKey, CryptoError> {
        let bytes = self.unwrap_bytes(wrapped, &Self::context("dek", owner, version))?;
        Ok(DataKey::from_bytes(version, bytes))
    }

    /// Wraps the seed of a signing key.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn wrap_seed(&self, seed: &SigningSeed, owner: &[u8]) -> Result<Wrapped, CryptoError> {
        self.wrap_bytes(seed.bytes(), &Self::context(seed.purpose().as_str(), owner, 1))
    }

    /// The seed again.
    ///
    /// # Errors
    /// [`CryptoError::Unopenable`], as [`Kek::unwrap`].
    pub fn unwrap_seed(
        &self,
        wrapped: &Wrapped,
        owner: &[u8],
        purpose: crate::SigningPurpose,
    ) -> Result<SigningSeed, CryptoError> {
        Ok(SigningSeed::from_bytes(
            purpose,
            self.unwrap_bytes(wrapped, &Self::context(purpose.as_str(), owner, 1))?,
        ))
    }

    /// Wraps a person's key; tenant, person and number become associated data.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn wrap_subject(&self, key: &SubjectDek, owner: &SubjectOwner) -> Result<Wrapped, CryptoError> {
        self.wrap_bytes(key.bytes(), &Self::context("subject", &owner.bytes(), 1))
    }

    /// The person's key again.
    ///
    /// # Errors
    /// [`CryptoError::Unopenable`], as [`Kek::unwrap`].
    pub fn unwrap_subject(&self, wrapped: &Wrapped, owner: &SubjectOwner) -> Result<SubjectDek, CryptoError> {
        let bytes = self.unwrap_bytes(wrapped, &Self::context("subject", &owner.bytes(), 1))?;
        Ok(SubjectDek::from_bytes(bytes))
    }

    fn context(kind: &str, owner: &[u8], version: i32) -> Vec<u8> {
        format!("keepgate wrap/v1|{kind}|{}|{version}", HEXLOWER.encode(owner)).into_bytes()
    }

    fn wrap_bytes(&self, bytes: &[u8; 32], context: &[u8]) -> Result<Wrapped, CryptoError> {
        Ok(Wrapped {
            kek: self.id.clone(),
            bytes: aead::seal(&self.key, context, bytes)?,
        })
    }

    fn unwrap_bytes(&self, wrapped: &Wrapped, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        if wrapped.kek != self.id {
            return Err(Unopenable.into());
        }
        let opened = aead::open(&self.key, context, &wrapped.bytes)?;
        let bytes: [u8; 32] = opened.as_slice().try_into().map_err(|_| Unopenable)?;
        Ok(Zeroizing::new(bytes))
    }
}

impl std::fmt::Debug for Kek {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kek").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kek(byte: u8) -> Kek {
        Kek::new(Zeroizing::new([byte; 32]))
    }

    #[test]
    fn a_wrapped_key_opens_for_its_owner_version_and_kek_only() {
        let key = DataKey::generate(1).unwrap();
        let wrapped = kek(1).wrap(&key, b"tenant a").unwrap();
        assert_eq!(kek(1).unwrap(&wrapped, b"tenant a", 1).unwrap().bytes(), key.bytes());
        assert!(kek(1).unwrap(&wrapped, b"tenant b", 1).is_err());
        assert!(kek(1).unwrap(&wrapped, b"tenant a", 2).is_err());
        assert!(kek(2).unwrap(&wrapped, b"tenant a", 1).is_err());
        assert!(
            kek(2)
                .unwrap(
                    &Wrapped {
                        kek: kek(2).id,
                        ..wrapped
                    },
                    b"tenant a",
                    1
                )
                .is_err()
        );
    }

    #[test]
    fn derived_keys_differ_by_label_and_repeat() {
        assert_eq!(kek(1).derive("a").unwrap(), kek(1).derive("a").unwrap());
        assert_ne!(kek(1).derive("a").unwrap(), kek(1).derive("b").unwrap());
        assert_ne!(kek(1).derive("a").unwrap(), kek(2).derive("a").unwrap());
    }

    #[test]
    fn a_kek_does_not_print_itself() {
        assert!(!format!("{:?}", kek(0xab)).contains("abab"));
    }
}
