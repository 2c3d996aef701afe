//! Recovery codes: what is left when the second factor is lost.
use aws_lc_rs::digest;
use data_encoding::BASE32_NOPAD;
use keepgate_kernel::PrincipalId;
use secrecy::{ExposeSecret, SecretString};

use crate::{NoRandomness, random};

/// How many there are.
pub const RECOVERY_CODES: usize = 10;
const BYTES: usize = 15;
const DIGITS: usize = BYTES * 8 / 5;

/// Six groups of four base32 digits, 120 random bits: enough that one fast hash guards them at rest (OWASP ASVS 5.0, 6.5.2).
#[derive(Debug, Clone)]
pub struct RecoveryCode(SecretString);

/// What is stored of a code: the SHA-256 of the principal and the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecoveryHash([u8; 32]);

impl RecoveryHash {
    /// The bytes, as stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl RecoveryCode {
    /// A fresh set.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn set() -> Result<Vec<Self>, NoRandomness> {
        (0..RECOVERY_CODES)
            .map(|_| Ok(Self::grouped(&BASE32_NOPAD.encode(&random::bytes::<BYTES>()?))))
            .collect()
    }

    /// A code as somebody typed it, in any case, with or without separators. `None`: not of the form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text
            .chars()
            .filter(|c| !matches!(c, '-' | ' '))
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let whole = digits.len() == DIGITS && BASE32_NOPAD.decode(digits.as_bytes()).is_ok();
        whole.then(|| Self::grouped(&digits))
    }

    fn grouped(digits: &str) -> Self {
        let lower = digits.to_ascii_lowercase();
        let groups: Vec<&str> = (0..lower.len())
            .step_by(4)
            .filter_map(|at| lower.get(at..at + 4))
            .collect();
        Self(groups.join("-").into())
    }

    /// The code, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What is stored of it for `principal`.
    #[must_use]
    pub fn hash(&self, principal: PrincipalId) -> RecoveryHash {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"recovery\0");
        context.update(principal.uuid().as_bytes());
        context.update(self.expose().as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        RecoveryHash(hash)
    }
}

#[cfg(test)]
mod tests {
    use keepgate_kernel::{PrincipalKind, Uuid};

    use super::*;

    fn principal(number: u128) -> PrincipalId {
        PrincipalId::from_parts(PrincipalKind::User, Uuid::from_u128(number))
    }

    #[test]
    fn ten_different_codes_that_read_back_however_typed() {
        let set = RecoveryCode::set().unwrap();
        let distinct: std::collections::BTreeSet<&str> = set.iter().map(RecoveryCode::expose).collect();
        assert_eq!((set.len(), distinct.len()), (RECOVERY_CODES, RECOVERY_CODES));
        for code in &set {
            assert_eq!(code.expose().len(), 29);
            let shouted = code.expose().to_uppercase().replace('-', " ");
            let read = RecoveryCode::parse(&shouted).unwrap();
            assert_eq!(read.hash(principal(1)), code.hash(principal(1)));
        }
    }

    #[test]
    fn a_hash_belongs_to_one_principal() {
        let code = RecoveryCode::set().unwrap().remove(0);
        assert_ne!(code.hash(principal(1)), code.hash(principal(2)));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_fall(text in "\\PC*") {
            if let Some(code) = RecoveryCode::parse(&text) {
                proptest::prop_assert_eq!(code.expose().len(), 29);
            }
        }
    }
}
