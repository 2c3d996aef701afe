//! Calling a message off.
use keepgate_kernel::{Entity, MessageId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::{
    machine::{Event, Terminal, step},
    ports::{Keep, Messages, Outbox},
    types::MessageView,
};

/// Stops a delivery that nobody needs any more. An attempt in flight finishes; nothing new starts.
#[derive(Debug)]
pub struct CancelMessage {
    /// The message.
    pub message: MessageId,
}

/// Why it was not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// There is none to see.
    #[error("no such message")]
    Unknown,
    /// It had ended before, otherwise than by a cancellation.
    #[error("the message already ended as `{0}`")]
    Ended(Terminal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for CancelError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-message"),
            Self::Ended(_) => ErrorKind::Refused("message-ended"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Messages + Outbox + ?Sized> Command<Tx> for CancelMessage {
    type Permission = permissions::MessageCancel;
    type Output = MessageView;
    type Error = CancelError;

    fn entity(&self) -> Entity {
        self.message.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<MessageView, CancelError> {
        let now = tx.context().at();
        let mut held = tx.lock(self.message).await?.ok_or(CancelError::Unknown)?;
        match held.delivery.terminal() {
            Some(Terminal::Cancelled) => {}
            Some(terminal) => return Err(CancelError::Ended(terminal)),
            None => {
                held.delivery = step(&held.plan(), held.delivery, Event::Cancel, now).delivery;
                tx.save(&held, Keep::Nothing, now).await?;
            }
        }
        tx.message(self.message).await?.ok_or(CancelError::Unknown)
    }
}
