//! Acknowledging a message.
use keepgate_kernel::{Entity, Level, MessageId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::{
    machine::{Event, Terminal, step},
    ports::{Keep, Messages, Outbox},
    types::{Ack, AckBy, MAX_SEAL_BYTES, MessageView, Sealed, addressees},
};

/// The largest note before sealing, in bytes.
const MAX_NOTE_BYTES: usize = 4_096;

/// Says that a message has been taken note of: escalation stops at once. Asked again, it answers the same.
#[derive(Debug)]
pub struct AckMessage {
    /// The message.
    pub message: MessageId,
    /// What the recipient adds: at most 4096 bytes before it was sealed.
    pub note: Option<Sealed>,
}

/// Why it was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AckError {
    /// There is none to see.
    #[error("no such message")]
    Unknown,
    /// Below level 2, only those it is addressed to acknowledge a message.
    #[error("the message is addressed to somebody else")]
    NotAddressed,
    /// It failed, expired or was cancelled before.
    #[error("the message already ended as `{0}`")]
    Ended(Terminal),
    /// The note is too long.
    #[error("a note has at most 4096 bytes")]
    Note,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for AckError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-message"),
            Self::NotAddressed => ErrorKind::Refused("not-addressed"),
            Self::Ended(_) => ErrorKind::Refused("message-ended"),
            Self::Note => ErrorKind::Refused("note-too-long"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Messages + Outbox + ?Sized> Command<Tx> for AckMessage {
    type Permission = permissions::MessageAck;
    type Output = MessageView;
    type Error = AckError;

    fn entity(&self) -> Entity {
        self.message.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<MessageView, AckError> {
        let now = tx.context().at();
        if self
            .note
            .as_ref()
            .is_some_and(|note| !(1..=MAX_NOTE_BYTES + MAX_SEAL_BYTES).contains(&note.as_bytes().len()))
        {
            return Err(AckError::Note);
        }
        let mut held = tx.lock(self.message).await?.ok_or(AckError::Unknown)?;
        let addressed = addressees(&held.contacts).contains(&proof.by());
        if !addressed && proof.level().is_none_or(|level| level < Level::Operator) {
            return Err(AckError::NotAddressed);
        }
        match held.delivery.terminal() {
            // Delivered and no acknowledgement wanted: saying so all the same is no mistake.
            Some(Terminal::Acknowledged | Terminal::Delivered) => {}
            Some(terminal) => return Err(AckError::Ended(terminal)),
            None => {
                held.delivery = step(&held.plan(), held.delivery, Event::Ack, now).delivery;
                held.ack = Some(Ack {
                    at: now,
                    by: AckBy::Principal(proof.by()),
                    note: self.note.clone(),
                });
                tx.save(&held, Keep::Nothing, now).await?;
            }
        }
        tx.message(self.message).await?.ok_or(AckError::Unknown)
    }
}
