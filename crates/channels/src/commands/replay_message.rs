//! Sending a message again.
use keepgate_kernel::{Entity, MessageId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use super::accept_message::{AcceptError, Accepted, check_sealed};
use crate::{
    ports::Messages,
    types::{Message, Sealed},
};

/// Makes a new message of an old one: the same contacts, route, type, urgency and length of life. What is sealed is bound to its
/// row, so the caller reads it ([`Messages::sealed_payload`]), opens it and seals it anew.
#[derive(Debug)]
pub struct ReplayMessage {
    /// The new message's id.
    pub id: MessageId,
    /// The old message, whatever became of it.
    pub original: MessageId,
    /// The old payload, sealed for the new row.
    pub payload: Sealed,
    /// The old text, sealed for the new row.
    pub text: Option<Sealed>,
}

/// Why it was not sent again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// There is none to see.
    #[error("no such message")]
    Unknown,
    /// The sealed parts break a limit.
    #[error(transparent)]
    Refused(#[from] AcceptError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ReplayError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-message"),
            Self::Refused(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Messages + ?Sized> Command<Tx> for ReplayMessage {
    type Permission = permissions::MessageReplay;
    type Output = Accepted;
    type Error = ReplayError;

    fn entity(&self) -> Entity {
        self.original.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Accepted, ReplayError> {
        let now = tx.context().at();
        check_sealed(&self.payload, self.text.as_ref())?;
        let old = tx.message(self.original).await?.ok_or(ReplayError::Unknown)?.message;
        let message = Message {
            id: self.id,
            accepted_at: now,
            sender: proof.by(),
            unit: proof.unit(),
            recipient: old.recipient,
            contacts: old.contacts,
            route: old.route,
            payload: self.payload.clone(),
            text: self.text.clone(),
            content_type: old.content_type,
            priority: old.priority,
            require_ack: old.require_ack,
            deadline: now + (old.deadline - old.accepted_at),
            locale: old.locale,
            replay_of: Some(old.id),
        };
        tx.add_message(&message).await?;
        Ok(Accepted {
            id: self.id,
            accepted_at: now,
            deadline: message.deadline,
        })
    }
}
