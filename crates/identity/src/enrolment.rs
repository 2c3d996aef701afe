//! One-time codes with which a new person enters.
use aws_lc_rs::digest;
use keepgate_kernel::{EnrolmentId, PrincipalId, TenantId, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use crate::{NoRandomness, one_time};

const PREFIX: &str = "kge_";

/// A code: `kge_`, 43 base62 digits of 256 random bits, 6 of checksum. Shown once; only its SHA-256 is stored.
#[derive(Clone)]
pub struct EnrolmentCode(SecretString);

/// The SHA-256 of a code. Enough to find it, not to use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeHash([u8; 32]);

/// A text that is not an enrolment code; mistyped, most likely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an enrolment code")]
pub struct InvalidCode;

impl EnrolmentCode {
    /// A fresh code.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn random() -> Result<Self, NoRandomness> {
        one_time::fresh(PREFIX).map(Self)
    }

    /// Reads a code. The checksum is compared before anything is looked up.
    ///
    /// # Errors
    /// [`InvalidCode`] for anything but the exact form.
    pub fn parse(text: &str) -> Result<Self, InvalidCode> {
        one_time::read(PREFIX, text).map(Self)
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> CodeHash {
        CodeHash::of(self.expose())
    }

    /// The code itself, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for EnrolmentCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EnrolmentCode(..)")
    }
}

impl CodeHash {
    pub(crate) fn of(code: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, code.as_bytes()).as_ref());
        Self(hash)
    }

    /// The bytes, as stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A code to be put on record.
#[derive(Debug, Clone, Copy)]
pub struct NewEnrolment {
    /// Its id.
    pub id: EnrolmentId,
    /// Where the principal lives.
    pub tenant: TenantId,
    /// Who may enter with it.
    pub principal: PrincipalId,
    /// The code's hash.
    pub hash: CodeHash,
    /// Until when; the store cuts it to 24 hours from its own present.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_back_and_has_its_own_hash() {
        let (one, other) = (EnrolmentCode::random().unwrap(), EnrolmentCode::random().unwrap());
        assert_eq!(one.expose().len(), 4 + 43 + 6);
        assert_eq!(EnrolmentCode::parse(one.expose()).unwrap().hash(), one.hash());
        assert_ne!(one.hash(), other.hash());
    }

    #[test]
    fn any_single_mistyped_character_is_noticed() {
        let code = EnrolmentCode::random().unwrap();
        for place in 0..code.expose().len() {
            let mut text = code.expose().as_bytes().to_vec();
            text[place] = if text[place] == b'x' { b'y' } else { b'x' };
            assert_eq!(
                EnrolmentCode::parse(&String::from_utf8(text).unwrap()).unwrap_err(),
                InvalidCode,
                "place {place}"
            );
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let code = EnrolmentCode::random().unwrap();
        assert_eq!(format!("{code:?}"), "EnrolmentCode(..)");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_fall(text in "\\PC*") {
            proptest::prop_assert!(EnrolmentCode::parse(&text).is_err());
        }
    }
}
