//! Doing without a second factor.
use keepgate_kernel::{Entity, FactorId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::SecondFactors;

/// Removes one's own factor. The last one stays where a second factor is required: add another first. With the last one the
/// recovery codes go.
#[derive(Debug, Clone, Copy)]
pub struct RemoveFactor {
    /// Which.
    pub factor: FactorId,
}

/// Why it stays.
#[derive(Debug, thiserror::Error)]
pub enum RemoveFactorError {
    /// The caller has no such factor.
    #[error("no such second factor")]
    NotFound,
    /// It is the last one, and one is required.
    #[error("a second factor is required at this level; add another before removing the last one")]
    Last,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RemoveFactorError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("factor-not-found"),
            Self::Last => ErrorKind::Refused("last-second-factor"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: SecondFactors + ?Sized> Command<Tx> for RemoveFactor {
    type Permission = permissions::MfaRemove;
    type Output = ();
    type Error = RemoveFactorError;

    fn entity(&self) -> Entity {
        self.factor.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), RemoveFactorError> {
        let principal = proof.by();
        let before = tx.mfa_standing(principal).await?.ok_or(StoreError::Revoked)?;
        if !tx.remove_factor(principal, self.factor).await? {
            return Err(RemoveFactorError::NotFound);
        }
        let left = tx.mfa_standing(principal).await?.ok_or(StoreError::Revoked)?;
        // A pending app was never the last one.
        if before.factors.is_empty() || !left.factors.is_empty() {
            return Ok(());
        }
        if left.is_required() {
            return Err(RemoveFactorError::Last);
        }
        Ok(tx.put_recovery_codes(principal, &[]).await?)
    }
}
