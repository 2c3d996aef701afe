//! Operation: record how good the clock is.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions::ClockAttest};
use keepgate_store::StoreError;

use crate::clock::{Attestation, ClockLedger};

/// Remembers one node's word about the database's clock; the leaf holds all of it. Keepgate's own worker of the platform only.
#[derive(Debug, Clone)]
pub struct AttestClock {
    /// The word.
    pub attestation: Attestation,
}

impl<Tx: ClockLedger + ?Sized> Command<Tx> for AttestClock {
    type Permission = ClockAttest;
    type Output = ();
    type Error = StoreError;

    fn entity(&self) -> Entity {
        self.attestation.entity()
    }

    async fn run(&self, _proof: &Authorized<ClockAttest>, tx: &mut Tx) -> Result<(), StoreError> {
        tx.attest(&self.attestation).await
    }
}
