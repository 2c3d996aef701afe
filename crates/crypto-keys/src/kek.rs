//! A version of a root key that is in this process.
use aws_lc_rs::digest;
use zeroize::Zeroizing;

use crate::{CryptoError, Unopenable, aead};

/// 32 bytes that wrap other keys, AES-256-GCM.
pub(crate) struct Kek {
    id: String,
    key: Zeroizing<[u8; 32]>,
}

/// A key wrapped by a root key, or by a tenant's, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// Which key wrapped it, and which version of it: at most 300 characters. Safe to show.
    pub kek: String,
    /// What the key's service made of it, at most 1,024 bytes; of a key in this process `nonce || ciphertext || tag`.
    pub bytes: Vec<u8>,
}

impl Kek {
    pub(crate) fn new(key: Zeroizing<[u8; 32]>) -> Self {
        let digest = digest::digest(&digest::SHA256, &[b"keepgate kek id/v1\0", &key[..]].concat());
        let id = digest.as_ref().iter().take(8);
        Self {
            id: id.map(|byte| format!("{byte:02x}")).collect(),
            key,
        }
    }

    /// A name for the key that tells nothing about it: 16 hex digits of a hash.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    pub(crate) fn wrap_bytes(&self, bytes: &[u8; 32], context: &[u8]) -> Result<Wrapped, CryptoError> {
        Ok(Wrapped {
            kek: self.id.clone(),
            bytes: aead::seal(&self.key, context, bytes)?,
        })
    }

    pub(crate) fn unwrap_bytes(&self, wrapped: &Wrapped, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
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
    fn a_wrapped_key_opens_in_its_context_and_under_its_kek_only() {
        let wrapped = kek(1).wrap_bytes(&[7; 32], b"here").unwrap();
        assert_eq!(*kek(1).unwrap_bytes(&wrapped, b"here").unwrap(), [7; 32]);
        assert!(kek(1).unwrap_bytes(&wrapped, b"there").is_err());
        assert!(kek(2).unwrap_bytes(&wrapped, b"here").is_err());
        let renamed = Wrapped {
            kek: kek(2).id,
            ..wrapped
        };
        assert!(kek(2).unwrap_bytes(&renamed, b"here").is_err());
    }

    #[test]
    fn a_kek_does_not_print_itself() {
        assert!(!format!("{:?}", kek(0xab)).contains("abab"));
    }
}
