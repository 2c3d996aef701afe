//! Reading a recipient.
use keepgate_kernel::{Entity, RecipientId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{ports::Recipients, types::Recipient};

/// Reads a recipient.
#[derive(Debug)]
pub struct GetRecipient {
    /// Which one.
    pub id: RecipientId,
}

/// Why it was not read.
#[derive(Debug, thiserror::Error)]
pub enum GetRecipientError {
    /// There is none to see.
    #[error("no such recipient")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for GetRecipientError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-recipient"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Recipients + ?Sized> Command<Tx> for GetRecipient {
    type Permission = permissions::RecipientRead;
    type Output = Recipient;
    type Error = GetRecipientError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Recipient, GetRecipientError> {
        tx.recipient(self.id).await?.ok_or(GetRecipientError::Unknown)
    }
}
