//! Why a secret of the configuration can't be used, and what to do about it. Holds no secret.
use std::fmt;

use keepgate_crypto_keys::SecretError;

use super::{Place, PrivateFileError, SecretRef};
use crate::failure::chain;

/// Why a secret can't be used.
#[derive(Debug)]
pub enum Trouble {
    /// Its file is not fit.
    File(PrivateFileError),
    /// Its store did not give it.
    Store(Place, SecretError),
    /// What is there is no secret.
    Unfit(SecretRef, &'static str),
}

impl Trouble {
    /// Whether the same question may be answered in a moment.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Store(_, error) if error.passes())
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::File(error) => error.help(),
            Self::Unfit(reference, _) => format!("put the secret, and nothing else, at {reference}"),
            Self::Store(place, error) => {
                let word = place.word();
                match error {
                    SecretError::NotFound => format!("correct the reference, or store the secret in {word}"),
                    SecretError::Revoked => "enable the version there, or name another".to_owned(),
                    SecretError::Denied(_) => format!("check [{word}], and what we may read there"),
                    SecretError::Unusable(_) | SecretError::Strange(_) => {
                        format!("check the secret, and that [{word}] names the right service")
                    }
                    SecretError::Slow | SecretError::Down(_) | SecretError::Throttled => {
                        format!("check that {word} runs and can be reached from here")
                    }
                }
            }
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => f.write_str(&chain(error)),
            Self::Store(_, error) => f.write_str(&chain(error)),
            Self::Unfit(_, why) => f.write_str(why),
        }
    }
}
