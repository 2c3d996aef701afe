//! Who one is.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{Me, Principals};

/// Reads the caller's principal, tenant, live level and credential.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadMe;

/// Why it was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadMeError {
    /// The caller is Keepgate itself.
    #[error("the caller is no principal")]
    Nobody,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ReadMeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Nobody => ErrorKind::Refused("nobody"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Principals + ?Sized> Command<Tx> for ReadMe {
    type Permission = permissions::MeRead;
    type Output = Me;
    type Error = ReadMeError;

    fn entity(&self) -> Entity {
        Entity::collection("me")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Me, ReadMeError> {
        tx.me().await?.ok_or(ReadMeError::Nobody)
    }
}
