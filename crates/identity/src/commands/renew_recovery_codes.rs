//! New recovery codes.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{RecoveryCode, SecondFactors};

/// Replaces one's recovery codes, used or not.
#[derive(Debug)]
pub struct RenewRecoveryCodes {
    /// The new ones, made before the transaction.
    pub codes: Vec<RecoveryCode>,
}

/// Why the old ones stay.
#[derive(Debug, thiserror::Error)]
pub enum RenewRecoveryCodesError {
    /// There is nothing they could stand in for.
    #[error("add a second factor first")]
    NoFactor,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RenewRecoveryCodesError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoFactor => ErrorKind::Refused("no-second-factor"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: SecondFactors + ?Sized> Command<Tx> for RenewRecoveryCodes {
    type Permission = permissions::MfaEnrol;
    type Output = Vec<RecoveryCode>;
    type Error = RenewRecoveryCodesError;

    fn entity(&self) -> Entity {
        Entity::collection("recovery-codes")
    }

    async fn run(
        &self,
        proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<Vec<RecoveryCode>, RenewRecoveryCodesError> {
        let standing = tx.mfa_standing(proof.by()).await?.ok_or(StoreError::Revoked)?;
        if standing.factors.is_empty() {
            return Err(RenewRecoveryCodesError::NoFactor);
        }
        let hashes: Vec<_> = self.codes.iter().map(|code| code.hash(proof.by())).collect();
        tx.put_recovery_codes(proof.by(), &hashes).await?;
        Ok(self.codes.clone())
    }
}
