//! The first code of an authenticator app.
use keepgate_kernel::{Entity, FactorId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{RecoveryCode, SecondFactors};

/// Confirms the pending app. From now on every log-in asks for it. Recovery codes are made anew.
#[derive(Debug)]
pub struct ConfirmTotp {
    /// The pending app and the step of its code; `None`: there is no pending app, or the code is another's.
    pub proven: Option<(FactorId, i64)>,
    /// Whether there is a pending app at all.
    pub pending: bool,
    /// The codes, made before the transaction.
    pub codes: Vec<RecoveryCode>,
}

/// Why it was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmTotpError {
    /// Nothing waits for a code.
    #[error("no authenticator app waits for its first code")]
    NotPending,
    /// The code is wrong.
    #[error("that is not the app's present code; check the clock of the device")]
    WrongCode,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ConfirmTotpError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotPending => ErrorKind::Refused("no-pending-factor"),
            Self::WrongCode => ErrorKind::Refused("invalid-second-factor"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: SecondFactors + ?Sized> Command<Tx> for ConfirmTotp {
    type Permission = permissions::MfaEnrol;
    type Output = Vec<RecoveryCode>;
    type Error = ConfirmTotpError;

    fn entity(&self) -> Entity {
        self.proven
            .map_or_else(|| Entity::collection("factors"), |(factor, _)| factor.into())
    }

    async fn run(
        &self,
        proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<Vec<RecoveryCode>, ConfirmTotpError> {
        if !self.pending {
            return Err(ConfirmTotpError::NotPending);
        }
        let (factor, step) = self.proven.ok_or(ConfirmTotpError::WrongCode)?;
        if !tx.confirm_totp(proof.by(), factor, step).await? {
            return Err(ConfirmTotpError::NotPending);
        }
        let hashes: Vec<_> = self.codes.iter().map(|code| code.hash(proof.by())).collect();
        tx.put_recovery_codes(proof.by(), &hashes).await?;
        Ok(self.codes.clone())
    }
}
