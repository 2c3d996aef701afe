//! The one vocabulary of refusals that SCIM has (RFC 7644 section 3.12).
use keepgate_policy::{CommandError, ErrorKind};
use keepgate_sso::scim::PatchError;
use keepgate_store::StoreError;

use crate::operations::{UnitError, sso::mapped::MappedError};

/// Why a directory did not get what it asked for.
#[derive(Debug, thiserror::Error)]
pub enum ScimError {
    /// The token ended while the request was on its way.
    #[error("the token is no longer valid")]
    TokenEnded,
    /// There is no such resource in this directory.
    #[error("no such resource")]
    NotFound,
    /// The user name, external id, address or group name is somebody else's.
    #[error("another user or group has that name")]
    Taken,
    /// The change makes no sense.
    #[error(transparent)]
    Invalid(#[from] PatchError),
    /// A member is no user of this directory.
    #[error("a member is no user of this directory")]
    MemberUnknown,
    /// A group is mapped to a unit that is gone.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// The person is out of a directory's reach.
    #[error("this person is out of a directory's reach")]
    OutOfReach,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ScimError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TokenEnded => ErrorKind::Refused("scim-token-ended"),
            Self::NotFound => ErrorKind::Refused("resource-not-found"),
            Self::Taken => ErrorKind::Refused("name-taken"),
            Self::Invalid(_) => ErrorKind::Refused("invalid-change"),
            Self::MemberUnknown => ErrorKind::Refused("member-unknown"),
            Self::Unit(error) => error.kind(),
            Self::OutOfReach => ErrorKind::Refused("out-of-reach"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl From<MappedError> for ScimError {
    fn from(error: MappedError) -> Self {
        match error {
            MappedError::Unit(error) => Self::Unit(error),
            MappedError::Denied(_) | MappedError::NoOwner => Self::OutOfReach,
            MappedError::Store(error) => Self::Store(error),
        }
    }
}
