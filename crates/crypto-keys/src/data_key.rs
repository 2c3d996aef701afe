//! Data keys, and the values sealed under them.
use keepgate_kernel::{TenantId, Uuid};
use zeroize::Zeroizing;

use crate::{CryptoError, Unopenable, aead};

/// The first byte of every sealed value: AES-256-GCM, random nonce.
const SUITE: u8 = 1;

/// Where a sealed value lives. It is authenticated with the value, so that a value moved to another row, column or tenant
/// does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The tenant whose key seals it.
    pub tenant: TenantId,
    /// Schema and table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's id.
    pub row: Uuid,
}

impl Place {
    fn associated_data(&self, version: i32) -> Vec<u8> {
        let Self {
            tenant,
            table,
            column,
            row,
        } = self;
        format!("kg|{SUITE}|{}|{table}|{column}|{row}|{version}", tenant.uuid()).into_bytes()
    }
}

/// A tenant's data key.
pub struct DataKey {
    version: i32,
    key: Zeroizing<[u8; 32]>,
}

impl DataKey {
    /// A fresh key, `version` being the next of its tenant.
    ///
    /// # Errors
    /// [`CryptoError::Library`] without randomness.
    pub fn generate(version: i32) -> Result<Self, CryptoError> {
        Ok(Self {
            version,
            key: aead::random_secret()?,
        })
    }

    pub(crate) const fn from_bytes(version: i32, key: Zeroizing<[u8; 32]>) -> Self {
        Self { version, key }
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// Its number within the tenant, from 1.
    #[must_use]
    pub const fn version(&self) -> i32 {
        self.version
    }

    /// `suite (1 byte) || key version (4, big endian) || nonce (12) || ciphertext || tag (16)`.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn seal(&self, place: &Place, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let body = aead::seal(&self.key, &place.associated_data(self.version), plaintext)?;
        Ok([&[SUITE][..], &self.version.to_be_bytes(), &body].concat())
    }

    /// The plaintext of a value sealed for `place` under this key.
    ///
    /// # Errors
    /// [`CryptoError::Unopenable`].
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        if sealed_version(sealed)? != self.version {
            return Err(Unopenable.into());
        }
        aead::open(
            &self.key,
            &place.associated_data(self.version),
            sealed.get(5..).ok_or(Unopenable)?,
        )
    }
}

/// Which version of its tenant's key sealed this value.
///
/// # Errors
/// [`Unopenable`] when it is no sealed value of a known suite.
pub fn sealed_version(sealed: &[u8]) -> Result<i32, Unopenable> {
    match sealed.split_first_chunk::<5>() {
        Some(([SUITE, a, b, c, d], _)) => Ok(i32::from_be_bytes([*a, *b, *c, *d])),
        _ => Err(Unopenable),
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataKey")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place() -> Place {
        Place {
            tenant: TenantId::from_uuid(Uuid::nil()),
            table: "channels.message",
            column: "payload",
            row: Uuid::nil(),
        }
    }

    #[test]
    fn a_value_moved_elsewhere_does_not_open() {
        let key = DataKey::generate(1).unwrap();
        let sealed = key.seal(&place(), b"secret").unwrap();
        let other = Uuid::from_u128(1);
        for elsewhere in [
            Place {
                tenant: TenantId::from_uuid(other),
                ..place()
            },
            Place {
                table: "channels.webhook",
                ..place()
            },
            Place {
                column: "text",
                ..place()
            },
            Place { row: other, ..place() },
        ] {
            assert_eq!(key.open(&elsewhere, &sealed), Err(CryptoError::Unopenable(Unopenable)));
        }
    }

    #[test]
    fn the_same_text_never_looks_the_same() {
        let key = DataKey::generate(1).unwrap();
        assert_ne!(
            key.seal(&place(), b"secret").unwrap(),
            key.seal(&place(), b"secret").unwrap()
        );
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_and_what_is_edited_does_not(text: Vec<u8>, at: prop::sample::Index, bit in 0u8..8) {
            let key = DataKey::generate(7).unwrap();
            let mut sealed = key.seal(&place(), &text).unwrap();
            let opened = key.open(&place(), &sealed).unwrap();
            prop_assert_eq!(&opened[..], &text[..]);
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(key.open(&place(), &sealed).is_err());
        }

        #[test]
        fn rubbish_is_refused_without_a_panic(bytes: Vec<u8>) {
            prop_assert!(DataKey::generate(7).unwrap().open(&place(), &bytes).is_err());
        }
    }
}
