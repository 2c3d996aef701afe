//! Data keys, and the values sealed under them.
use std::sync::OnceLock;

use aws_lc_rs::hkdf;
use keepgate_kernel::{TenantId, Uuid};
use zeroize::Zeroizing;

use crate::{
    CryptoError, Purpose, SigningPurpose, SigningSeed, Unopenable, aead,
    record::{FRESH, PurposeKey, SALT, fresh},
};

/// The first byte of what the first releases sealed: AES-256-GCM under the tenant's key itself. Opened for ever, made no more.
const SUITE_1: u8 = 1;
/// The first byte of every value sealed now: AES-256-GCM under a key of the record's own, derived by HKDF-SHA256.
const SUITE_2: u8 = 2;
/// Suite and version of the key.
const HEAD: usize = 5;

/// Where a sealed value lives. It is authenticated with the value, so that a value moved to another row, column or tenant
/// does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The tenant whose key seals it.
    pub tenant: TenantId,
    /// What it is for: it has a key of its own.
    pub purpose: Purpose,
    /// Schema and table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's id.
    pub row: Uuid,
}

impl Place {
    fn associated_data_1(&self, version: i32) -> Vec<u8> {
        let Self {
            tenant,
            table,
            column,
            row,
            ..
        } = self;
        format!("kg|{SUITE_1}|{}|{table}|{column}|{row}|{version}", tenant.uuid()).into_bytes()
    }

    /// `"kg|2|" || tenant (16) || row (16) || version (4) || table || "|" || column`.
    fn associated_data_2(&self, version: i32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        for part in [
            b"kg|2|",
            &self.tenant.uuid().as_bytes()[..],
            self.row.as_bytes(),
            &version.to_be_bytes(),
            self.table.as_bytes(),
            b"|",
            self.column.as_bytes(),
        ] {
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// A tenant's data key. Nothing is sealed under it directly: each purpose has a key derived from it, and each value one derived from
/// that and 32 random bytes. So a key seals one value, and how many values a tenant seals is no concern of the cipher's.
pub struct DataKey {
    version: i32,
    key: Zeroizing<[u8; 32]>,
    /// Kept ready for what is sealed all the time; the other purposes are derived each time, which costs a microsecond.
    payload: OnceLock<PurposeKey>,
    answer: OnceLock<PurposeKey>,
}

impl DataKey {
    /// A fresh key, `version` being the next of its tenant.
    ///
    /// # Errors
    /// [`CryptoError::Library`] without randomness.
    pub fn generate(version: i32) -> Result<Self, CryptoError> {
        Ok(Self::from_bytes(version, aead::random_secret()?))
    }

    pub(crate) const fn from_bytes(version: i32, key: Zeroizing<[u8; 32]>) -> Self {
        Self {
            version,
            key,
            payload: OnceLock::new(),
            answer: OnceLock::new(),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// 32 bytes for another use of the same key (HKDF-Expand-SHA256, RFC 5869).
    pub(crate) fn derive(&self, label: &[u8]) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        let mut out = Zeroizing::new([0; 32]);
        hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &self.key[..])
            .expand(&[label], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut out[..]))
            .map_err(|_| CryptoError::Library)?;
        Ok(out)
    }

    /// The seed of the Ed25519 key that signs the tenant's webhooks for as long as this is its key: derived, so it is kept nowhere, and ends
    /// with this key.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn webhook_seed(&self) -> Result<SigningSeed, CryptoError> {
        let seed = self.derive(b"keepgate/v1 signs|webhook")?;
        Ok(SigningSeed::from_bytes(SigningPurpose::Webhook, seed))
    }

    /// Its number within the tenant, from 1.
    #[must_use]
    pub const fn version(&self) -> i32 {
        self.version
    }

    /// `suite (1 byte, 2) || key version (4, big endian) || salt (32) || nonce (12) || ciphertext || tag (16)`.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn seal(&self, place: &Place, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let fresh = fresh()?;
        let (salt, nonce) = fresh.split_first_chunk::<SALT>().ok_or(CryptoError::Library)?;
        let key = self.record_key(place, salt)?;
        let mut sealed = Vec::with_capacity(HEAD + FRESH + plaintext.len() + aead::TAG);
        sealed.push(SUITE_2);
        sealed.extend_from_slice(&self.version.to_be_bytes());
        sealed.extend_from_slice(&fresh);
        sealed.extend_from_slice(plaintext);
        let (_, body) = sealed.split_at_mut(HEAD + FRESH);
        let tag = aead::seal_once(&key, nonce, &place.associated_data_2(self.version), body)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// The plaintext of a value sealed for `place` under this key.
    ///
    /// # Errors
    /// [`CryptoError::Unopenable`].
    pub fn open(&self, place: &Place, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        if sealed_version(sealed)? != self.version {
            return Err(Unopenable.into());
        }
        let (head, rest) = sealed.split_at_checked(HEAD).ok_or(Unopenable)?;
        if head.first() == Some(&SUITE_1) {
            return aead::open(&self.key, &place.associated_data_1(self.version), rest);
        }
        let (salt, body) = rest.split_first_chunk::<SALT>().ok_or(Unopenable)?;
        let key = self.record_key(place, salt)?;
        aead::open(&key, &place.associated_data_2(self.version), body)
    }

    fn record_key(&self, place: &Place, salt: &[u8; SALT]) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        let derive = || PurposeKey::derive(&self.key, place.purpose);
        let ready = match place.purpose {
            Purpose::Payload => &self.payload,
            Purpose::Answer => &self.answer,
            _ => return derive()?.record(salt, place.row),
        };
        if let Some(key) = ready.get() {
            return key.record(salt, place.row);
        }
        let key = derive()?;
        ready.get_or_init(|| key).record(salt, place.row)
    }
}

/// Which version of its tenant's key sealed this value.
///
/// # Errors
/// [`Unopenable`] when it is no sealed value of a known suite.
pub fn sealed_version(sealed: &[u8]) -> Result<i32, Unopenable> {
    match sealed.split_first_chunk::<HEAD>() {
        Some(([SUITE_1 | SUITE_2, a, b, c, d], _)) => Ok(i32::from_be_bytes([*a, *b, *c, *d])),
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
            purpose: Purpose::Payload,
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
            Place {
                purpose: Purpose::TotpSeed,
                ..place()
            },
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

    /// What another implementation sealed (Python's `cryptography`, see the file), for each suite there ever was.
    #[test]
    fn what_any_release_sealed_still_opens() {
        let hex = |text: &str| data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap();
        let lines = include_str!("../vectors/sealed.txt").lines();
        let mut suites = Vec::new();
        for line in lines.filter(|line| !line.starts_with('#')) {
            let [key, version, tenant, purpose, row, text, sealed] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            let key: [u8; 32] = hex(key).try_into().unwrap();
            let key = DataKey::from_bytes(version.parse().unwrap(), key.into());
            let place = Place {
                tenant: TenantId::from_uuid(tenant.parse().unwrap()),
                purpose: Purpose::ALL.into_iter().find(|one| one.as_str() == purpose).unwrap(),
                row: row.parse().unwrap(),
                ..place()
            };
            let sealed = hex(sealed);
            assert_eq!(key.open(&place, &sealed).unwrap().as_slice(), text.as_bytes());
            suites.push(sealed[0]);
        }
        suites.sort_unstable();
        suites.dedup();
        assert_eq!(suites, [SUITE_1, SUITE_2]);
    }

    #[test]
    fn a_value_of_one_suite_is_none_of_the_other() {
        let key = DataKey::generate(1).unwrap();
        let mut sealed = key.seal(&place(), &[0; 64]).unwrap();
        assert_eq!((sealed[0], sealed.len()), (SUITE_2, 5 + 32 + 12 + 64 + 16));
        sealed[0] = SUITE_1;
        assert!(key.open(&place(), &sealed).is_err());
        sealed[0] = 3;
        assert_eq!(sealed_version(&sealed), Err(Unopenable));
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
