//! Why a bearer is nobody.
use keepgate_store::StoreError;

use crate::{HashError, KeyError, TokenError};

/// Why a bearer is nobody.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Neither a token nor a key of this server; mistyped, most likely.
    #[error("the credential is malformed")]
    Malformed,
    /// A signature or secret that is not ours.
    #[error("the credential is unknown")]
    Unknown,
    /// It was good once.
    #[error("the credential has expired")]
    Expired,
    /// It was revoked, or its owner or tenant may not act.
    #[error("the credential is no longer valid")]
    Revoked,
    /// The key may not be used from this address.
    #[error("the API key may not be used from this address")]
    WrongAddress,
    /// Too many keys are being verified.
    #[error("too many credentials are being verified")]
    Busy,
    /// Too many wrong keys came from this address; it has to wait a minute.
    #[error("too many wrong API keys came from this address")]
    Guessing,
    /// The store, or a stored verifier, failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthError {
    /// The stable word for audit entries and problem types.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "credential-malformed",
            Self::Unknown => "credential-unknown",
            Self::Expired => "credential-expired",
            Self::Revoked => "credential-revoked",
            Self::WrongAddress => "wrong-address",
            Self::Busy => "busy",
            Self::Guessing => "locked-out",
            Self::Store(_) => "database-unavailable",
        }
    }
}

impl From<TokenError> for AuthError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Malformed => Self::Malformed,
            TokenError::Signature | TokenError::Claims | TokenError::NotYet | TokenError::Key => Self::Unknown,
            TokenError::Expired => Self::Expired,
        }
    }
}

impl From<KeyError> for AuthError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Malformed | KeyError::Checksum => Self::Malformed,
            KeyError::Foreign => Self::Unknown,
        }
    }
}

impl From<HashError> for AuthError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed => Self::Store(StoreError::corrupt("identity.api_key", "phc")),
        }
    }
}
