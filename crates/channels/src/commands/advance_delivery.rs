//! Moving a delivery on.
use keepgate_kernel::{Entity, MessageId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use super::progress::{Progress, finish, tick};
use crate::ports::{Attempts, Outbox};

/// Moves a leased delivery on when a timer of its ran out: to its next target or step, or to its end. Settles an attempt
/// whose worker never came back as unknown. Begins nothing.
#[derive(Debug)]
pub struct AdvanceDelivery {
    /// The delivery.
    pub message: MessageId,
    /// The fencing token of the lease.
    pub token: i64,
}

/// Why it was not moved.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// Another worker has a newer lease.
    #[error("the lease is lost")]
    Stale,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for AdvanceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Stale => ErrorKind::Refused("lease-lost"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Outbox + Attempts + ?Sized> Command<Tx> for AdvanceDelivery {
    type Permission = permissions::DeliveryAdvance;
    type Output = Progress;
    type Error = AdvanceError;

    fn entity(&self) -> Entity {
        self.message.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Progress, AdvanceError> {
        let now = tx.context().at();
        let mut held = match tx.hold(self.message, self.token).await {
            Err(StoreError::Conflict) => return Err(AdvanceError::Stale),
            held => held?,
        };
        tick(tx, &mut held, now).await?;
        Ok(finish(tx, &held, now).await?)
    }
}
