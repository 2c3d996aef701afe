//! The key of an installation: what is the same on all its instances and derived, not stored.
#[cfg(feature = "postgres")]
mod postgres;

use aws_lc_rs::{digest, hkdf, hmac};
use zeroize::Zeroizing;

#[cfg(feature = "postgres")]
pub use postgres::{instance_key, keep_instance_key};

use crate::{CryptoError, Kek, KeyContext, KeyService, KeyServiceError, Wrapped, aead};

/// Salt of the first step of HKDF, while installations had their root key for this.
const SALT: &[u8] = b"keepgate/v1";

/// 32 bytes that labels are derived from. One of an installation, stored wrapped by the root key.
pub struct InstanceKey {
    id: String,
    key: Zeroizing<[u8; 32]>,
}

impl InstanceKey {
    /// A fresh one.
    ///
    /// # Errors
    /// [`CryptoError::Library`] without randomness.
    pub fn generate() -> Result<Self, CryptoError> {
        let key = aead::random_secret()?;
        let digest = digest::digest(&digest::SHA256, &[b"keepgate instance key id/v1\0", &key[..]].concat());
        let id = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}"));
        Ok(Self { id: id.collect(), key })
    }

    /// What was derived from a root key directly goes on as it was: HKDF-Extract (RFC 5869, section 2.2) of it, which does not lead
    /// back to it.
    pub(crate) fn of_root(kek: &Kek) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        let extracted = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SALT), kek.bytes());
        for (to, from) in key.iter_mut().zip(extracted.as_ref()) {
            *to = *from;
        }
        Self {
            id: kek.id().to_owned(),
            key,
        }
    }

    /// A name for the key that tells nothing about it: 16 hex digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// 32 bytes for a purpose: HKDF-Expand-SHA256 (RFC 5869, section 2.3) with `label` as info.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn derive(&self, label: &str) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        let mut out = Zeroizing::new([0; 32]);
        hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &self.key[..])
            .expand(&[label.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut out[..]))
            .map_err(|_| CryptoError::Library)?;
        Ok(out)
    }

    /// Wraps it for storage.
    ///
    /// # Errors
    /// Those of the service.
    pub async fn wrap(&self, root: &dyn KeyService) -> Result<Wrapped, KeyServiceError> {
        root.wrap(&context(&self.id), &self.key).await
    }

    /// The key of that id again.
    ///
    /// # Errors
    /// Those of the service.
    pub async fn unwrap(root: &dyn KeyService, id: &str, wrapped: &Wrapped) -> Result<Self, KeyServiceError> {
        Ok(Self {
            id: id.to_owned(),
            key: root.unwrap(&context(id), wrapped).await?,
        })
    }
}

fn context(id: &str) -> KeyContext {
    KeyContext::new("instance", id.as_bytes(), 1)
}

impl std::fmt::Debug for InstanceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InstanceKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryKeys;

    #[tokio::test]
    async fn it_opens_under_its_root_and_its_id() {
        let root = MemoryKeys::generate().unwrap();
        let key = InstanceKey::generate().unwrap();
        let wrapped = key.wrap(&root).await.unwrap();
        let again = InstanceKey::unwrap(&root, key.id(), &wrapped).await.unwrap();
        assert_eq!(again.derive("a").unwrap(), key.derive("a").unwrap());
        assert_ne!(key.derive("a").unwrap(), key.derive("b").unwrap());
        assert!(InstanceKey::unwrap(&root, "0000000000000000", &wrapped).await.is_err());
    }

    #[test]
    fn secrets_of_before_stay_what_they_were() {
        let kek = Kek::new(Zeroizing::new([1; 32]));
        let mut whole = [0; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, SALT)
            .extract(&[1; 32])
            .expand(&[b"claim key v1"], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut whole))
            .unwrap();
        let key = InstanceKey::of_root(&kek);
        assert_eq!(*key.derive("claim key v1").unwrap(), whole);
        assert_eq!(key.id(), kek.id());
    }
}
