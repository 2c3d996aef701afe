//! One-time codes with which somebody who forgot a password sets a new one.
use std::time::Duration;

use keepgate_kernel::{PrincipalId, ResetId, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use crate::{CodeHash, InvalidCode, NoRandomness, one_time};

/// How long a code is good: 20 minutes.
pub const RESET_LIFE: Duration = Duration::from_mins(20);

const PREFIX: &str = "kgr_";

/// A code: `kgr_`, 43 base62 digits of 256 random bits, 6 of checksum. Stands in one mail; only its SHA-256 is stored.
#[derive(Clone)]
pub struct ResetCode(SecretString);

impl ResetCode {
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

    /// The code itself, for the one mail that holds it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for ResetCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResetCode(..)")
    }
}

/// A code to be put on record.
#[derive(Debug, Clone, Copy)]
pub struct NewReset {
    /// Its id.
    pub id: ResetId,
    /// Whose password it sets.
    pub principal: PrincipalId,
    /// The code's hash.
    pub hash: CodeHash,
    /// Until when; the store cuts it to 30 minutes from its own present.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_back_and_is_no_enrolment_code() {
        let code = ResetCode::random().unwrap();
        assert_eq!(ResetCode::parse(code.expose()).unwrap().hash(), code.hash());
        assert!(crate::EnrolmentCode::parse(code.expose()).is_err());
        assert!(ResetCode::parse(&code.expose().replace("kgr_", "kge_")).is_err());
        assert_eq!(format!("{code:?}"), "ResetCode(..)");
    }
}
