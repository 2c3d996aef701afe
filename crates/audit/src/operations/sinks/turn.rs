//! Operation: record that a sink stopped or recovered.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::sink::{Claim, Settlement, Sinks};

/// Settles a try after which the sink stopped or recovered.
#[derive(Debug)]
pub struct TurnSink {
    /// The sink in hand.
    pub claim: Claim,
    /// How the try ended.
    pub settlement: Settlement,
}

/// Why it was not settled.
#[derive(Debug, thiserror::Error)]
pub enum TurnSinkError {
    /// Another worker has the sink now, or its owner changed it.
    #[error("the sink is not in this worker's hand any more")]
    ClaimLost,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for TurnSinkError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ClaimLost => ErrorKind::Refused("claim-lost"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Sinks + ?Sized> Command<Tx> for TurnSink {
    type Permission = permissions::SinkState;
    type Output = ();
    type Error = TurnSinkError;

    fn entity(&self) -> Entity {
        self.claim.sink.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), TurnSinkError> {
        if tx.settle_sink(&self.claim, &self.settlement).await? {
            Ok(())
        } else {
            Err(TurnSinkError::ClaimLost)
        }
    }
}
