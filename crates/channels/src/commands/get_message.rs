//! Reading a message.
use keepgate_kernel::{Entity, MessageId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{ports::Messages, types::MessageView};

/// Reads a message's journey: where it stands, and every attempt.
#[derive(Debug)]
pub struct GetMessage {
    /// Which one.
    pub id: MessageId,
}

/// Why it was not read.
#[derive(Debug, thiserror::Error)]
pub enum GetMessageError {
    /// There is none to see.
    #[error("no such message")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for GetMessageError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-message"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Messages + ?Sized> Command<Tx> for GetMessage {
    type Permission = permissions::MessageRead;
    type Output = MessageView;
    type Error = GetMessageError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<MessageView, GetMessageError> {
        tx.message(self.id).await?.ok_or(GetMessageError::Unknown)
    }
}
