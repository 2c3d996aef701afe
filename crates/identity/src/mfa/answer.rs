//! What somebody answered a challenge with, after it was looked at.
use keepgate_kernel::{FactorId, PrincipalId};
use keepgate_store::StoreError;

use super::RecoveryHash;
use crate::SecondFactors;

/// A proof of a second factor that holds as far as cryptography can tell. Whether it was used before, the transaction decides.
#[derive(Debug, Clone)]
pub enum SecondProof {
    /// The code of a step.
    Totp {
        /// Of which app.
        factor: FactorId,
        /// The step.
        step: i64,
    },
    /// A recovery code.
    Recovery(RecoveryHash),
    /// A signature of a passkey.
    Passkey {
        /// Of which.
        factor: FactorId,
        /// The signature count, zero where the authenticator keeps none.
        counter: i64,
    },
}

/// Whether a proof counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proved {
    /// It did, and never will again.
    Now,
    /// It was used before, or its factor is gone.
    NoLonger,
}

impl SecondProof {
    /// Uses the proof up.
    pub(crate) async fn spend<Tx: SecondFactors + ?Sized>(
        &self,
        tx: &mut Tx,
        principal: PrincipalId,
    ) -> Result<Proved, StoreError> {
        let spent = match self {
            Self::Totp { factor, step } => tx.use_totp(principal, *factor, *step).await?,
            Self::Recovery(hash) => tx.use_recovery_code(principal, hash).await?,
            Self::Passkey { factor, counter } => tx.use_passkey(principal, *factor, *counter).await?,
        };
        Ok(if spent { Proved::Now } else { Proved::NoLonger })
    }
}
