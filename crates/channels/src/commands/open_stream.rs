//! Opening the own stream.
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::ports::StreamEvents;

/// Opens the caller's own stream, at the place where it left off.
#[derive(Debug)]
pub struct OpenStream {
    /// The number of the last event the client has seen, if it remembers one.
    pub last_event: Option<i64>,
}

/// A stream is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Whose it is.
    pub principal: PrincipalId,
    /// Events with higher numbers are to be handed over. A client that remembers nothing gets every event that was never
    /// handed to a connection or whose message is still under way.
    pub after: i64,
}

impl<Tx: StreamEvents + ?Sized> Command<Tx> for OpenStream {
    type Permission = permissions::StreamOpen;
    type Output = Opened;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("stream")
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Opened, StoreError> {
        let principal = proof.by();
        let after = match self.last_event {
            // A number from the future is a client's mistake, and must not swallow events.
            Some(seen) => seen.clamp(0, tx.last_event(principal).await?),
            None => tx.resume_point(principal).await?,
        };
        Ok(Opened { principal, after })
    }
}
