//! An authenticator app on its way in.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{PendingTotp, SecondFactors};

/// Puts an app's seed on record. It proves nothing until its first code has come; the app before it stays until then.
#[derive(Debug, Clone)]
pub struct EnrolTotp {
    /// The seed, sealed before the transaction.
    pub pending: PendingTotp,
}

impl<Tx: SecondFactors + ?Sized> Command<Tx> for EnrolTotp {
    type Permission = permissions::MfaEnrol;
    type Output = ();
    type Error = StoreError;

    fn entity(&self) -> Entity {
        self.pending.factor.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), StoreError> {
        tx.put_factor(&self.pending.as_new(proof.by())).await.map(|_| ())
    }
}
