//! Removing a recipient.
use keepgate_kernel::{Entity, RecipientId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::ports::Recipients;

/// Removes a recipient for good. Messages keep the contacts they were accepted with.
#[derive(Debug)]
pub struct DeleteRecipient {
    /// Which one.
    pub id: RecipientId,
}

/// Why it was not removed.
#[derive(Debug, thiserror::Error)]
pub enum DeleteRecipientError {
    /// There is none in this tenant.
    #[error("no such recipient")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for DeleteRecipientError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-recipient"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Recipients + ?Sized> Command<Tx> for DeleteRecipient {
    type Permission = permissions::RecipientDelete;
    type Output = ();
    type Error = DeleteRecipientError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), DeleteRecipientError> {
        if tx.remove_recipient(self.id).await? {
            Ok(())
        } else {
            Err(DeleteRecipientError::Unknown)
        }
    }
}
