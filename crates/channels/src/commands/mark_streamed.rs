//! Noting that a stream was read.
use keepgate_kernel::{AttemptId, Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use super::progress::{NO_CLASS, Progress, finish_beside, receive};
use crate::{
    machine::Stage,
    ports::{Attempts, Outbox, StreamEvents},
    types::Callback,
};

/// Notes that an event of a stream was handed to its principal's connection: the attempt is delivered, and so is the message
/// unless it requires an acknowledgement.
#[derive(Debug)]
pub struct MarkStreamed {
    /// Whose stream.
    pub principal: PrincipalId,
    /// The event's number.
    pub seq: i64,
    /// The event's attempt.
    pub attempt: AttemptId,
}

/// Why it was not noted.
#[derive(Debug, thiserror::Error)]
pub enum MarkStreamedError {
    /// There is no such attempt in this tenant.
    #[error("no such attempt")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for MarkStreamedError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-attempt"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Outbox + Attempts + StreamEvents + ?Sized> Command<Tx> for MarkStreamed {
    type Permission = permissions::AttemptRecord;
    type Output = Progress;
    type Error = MarkStreamedError;

    fn entity(&self) -> Entity {
        self.attempt.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Progress, MarkStreamedError> {
        let now = tx.context().at();
        let message = tx
            .attempt(self.attempt)
            .await?
            .ok_or(MarkStreamedError::Unknown)?
            .message;
        let mut held = tx.lock(message).await?.ok_or(MarkStreamedError::Unknown)?;
        tx.note_handed(self.principal, self.seq, now).await?;
        let receipt = Callback {
            attempt: self.attempt,
            event: "streamed".to_owned(),
            stage: Some(Stage::Delivered),
            class: NO_CLASS,
            reason: None,
            received_at: now,
            parked: false,
        };
        let before = held.delivery;
        receive(tx, &mut held, &receipt, None, now).await?;
        Ok(finish_beside(tx, &held, before, now).await?)
    }
}
