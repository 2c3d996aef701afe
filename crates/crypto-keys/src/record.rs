//! A key of its own for each record: HKDF-SHA256 (RFC 5869).
//!
//! The tenant's key is extracted and expanded once for each purpose; the purpose's key, 32 uniform bytes, is expanded again for each
//! record (RFC 5869, section 3.3, allows leaving out the second extraction). The information of that second step, `label || salt ||
//! row`, is at most 54 bytes: with it a key costs two compressions of SHA-256.
use std::cell::RefCell;

use hkdf::Hkdf;
use keepgate_kernel::Uuid;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{CryptoError, Purpose};

/// Bytes of a record's salt.
pub(crate) const SALT: usize = 32;
/// Bytes of a record's salt and nonce.
pub(crate) const FRESH: usize = SALT + aws_lc_rs::aead::NONCE_LEN;

const EXTRACT: &[u8] = b"keepgate/v1";
const PURPOSE: &[u8] = b"keepgate/v1 purpose|";
const RECORD: &[u8] = b"kg/rec";

/// The key of one purpose, ready to derive from.
pub(crate) struct PurposeKey(Hkdf<Sha256>);

impl PurposeKey {
    pub(crate) fn derive(key: &[u8; 32], purpose: Purpose) -> Result<Self, CryptoError> {
        let mut bytes = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(EXTRACT), key)
            .expand_multi_info(&[PURPOSE, purpose.as_str().as_bytes()], &mut bytes[..])
            .map_err(|_| CryptoError::Library)?;
        Hkdf::from_prk(&bytes[..]).map(Self).map_err(|_| CryptoError::Library)
    }

    pub(crate) fn record(&self, salt: &[u8; SALT], row: Uuid) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        let mut key = Zeroizing::new([0; 32]);
        self.0
            .expand_multi_info(&[RECORD, salt, row.as_bytes()], &mut key[..])
            .map_err(|_| CryptoError::Library)?;
        Ok(key)
    }
}

/// How many records are served by one call of the generator, which costs more than sealing half a kilobyte.
const BATCH: usize = 32;

/// Fresh random bytes that will be public: salts and nonces.
struct Batch {
    bytes: [[u8; FRESH]; BATCH],
    left: usize,
}

thread_local! {
    static BYTES: RefCell<Batch> = const { RefCell::new(Batch { bytes: [[0; FRESH]; BATCH], left: 0 }) };
}

/// A salt and a nonce that nobody had before.
pub(crate) fn fresh() -> Result<[u8; FRESH], CryptoError> {
    BYTES
        .try_with(|batch| {
            let mut batch = batch.try_borrow_mut().ok()?;
            if batch.left == 0 {
                aws_lc_rs::rand::fill(batch.bytes.as_flattened_mut()).ok()?;
                batch.left = BATCH;
            }
            batch.left -= 1;
            let next = batch.left;
            batch.bytes.get(next).copied()
        })
        .ok()
        .flatten()
        .ok_or(CryptoError::Library)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_salt_comes_twice_on_whichever_thread() {
        let many = || (0..BATCH * 40).map(|_| fresh().unwrap()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(many)).collect();
        let all: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        let salts: HashSet<_> = all.iter().map(|bytes| bytes[..SALT].to_vec()).collect();
        let nonces: HashSet<_> = all.iter().map(|bytes| bytes[SALT..].to_vec()).collect();
        assert_eq!((salts.len(), nonces.len()), (BATCH * 160, BATCH * 160));
    }

    #[test]
    fn each_purpose_has_another_key_and_each_record_too() {
        let mut keys = HashSet::new();
        for purpose in Purpose::ALL {
            let of = PurposeKey::derive(&[7; 32], purpose).unwrap();
            for salt in [[1; SALT], [2; SALT]] {
                for row in [Uuid::nil(), Uuid::max()] {
                    keys.insert(*of.record(&salt, row).unwrap());
                }
            }
        }
        assert_eq!(keys.len(), Purpose::ALL.len() * 4);
        let words: HashSet<_> = Purpose::ALL.map(Purpose::as_str).into();
        assert_eq!(words.len(), Purpose::ALL.len());
    }

    /// The library that derives is not the one that seals: both must mean the same HKDF.
    #[test]
    fn the_other_library_derives_the_same() {
        use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
        let (mut purpose, mut record) = ([0; 32], [0; 32]);
        let info = [PURPOSE, b"payload"];
        let okm = Salt::new(HKDF_SHA256, EXTRACT).extract(&[7; 32]);
        okm.expand(&info, HKDF_SHA256).unwrap().fill(&mut purpose).unwrap();
        let prk = Prk::new_less_safe(HKDF_SHA256, &purpose);
        let row = Uuid::max();
        let info = [RECORD, &[9; SALT], row.as_bytes()];
        prk.expand(&info, HKDF_SHA256).unwrap().fill(&mut record).unwrap();
        let ours = PurposeKey::derive(&[7; 32], Purpose::Payload).unwrap();
        assert_eq!(*ours.record(&[9; SALT], row).unwrap(), record);
    }
}
