//! Asking a passkey to prove who one is again.
use keepgate_kernel::{Entity, SessionId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{FactorKind, MfaChallenge, NewChallenge, Purpose, SecondFactors};

/// Puts a challenge on record that one of the caller's passkeys will answer, in the session that asked.
#[derive(Debug)]
pub struct BeginStepUp {
    /// The challenge.
    pub challenge: MfaChallenge,
    /// The session that asks, and that the step-up will end.
    pub session: SessionId,
}

/// Why nothing is asked.
#[derive(Debug, thiserror::Error)]
pub enum BeginStepUpError {
    /// There is nobody to ask.
    #[error("there is no passkey; send another proof to `POST /v1/auth/step-up`")]
    NoPasskey,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for BeginStepUpError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoPasskey => ErrorKind::Refused("no-passkey"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: SecondFactors + ?Sized> Command<Tx> for BeginStepUp {
    type Permission = permissions::AuthStepUp;
    /// The credential ids that will do.
    type Output = Vec<Vec<u8>>;
    type Error = BeginStepUpError;

    fn entity(&self) -> Entity {
        self.session.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<Vec<u8>>, BeginStepUpError> {
        let principal = proof.by();
        let known = tx.factors_on_file(principal, FactorKind::Passkey).await?;
        if known.is_empty() {
            return Err(BeginStepUpError::NoPasskey);
        }
        let new = NewChallenge {
            hash: self.challenge.hash(),
            principal,
            session: self.session,
            bucket: None,
            purpose: Purpose::StepUp,
            state: None,
        };
        tx.add_challenge(&new).await?;
        Ok(known.into_iter().filter_map(|one| one.credential).collect())
    }
}
