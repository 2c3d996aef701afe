//! Doing without a second factor.
use keepgate_kernel::{Entity, FactorId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{Passwords, SecondFactors};

/// Removes one's own factor. The last one stays where a second factor is required, and beside a password that is too short to stand
/// alone. With the last one the recovery codes go.
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
    /// It is the last one, and the password is too short to stand alone.
    #[error("the password is too short to be the only factor; set one of 15 characters or more first")]
    ShortPassword,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RemoveFactorError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("factor-not-found"),
            Self::Last => ErrorKind::Refused("last-second-factor"),
            Self::ShortPassword => ErrorKind::Refused("short-password"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Passwords + SecondFactors + ?Sized> Command<Tx> for RemoveFactor {
    type Permission = permissions::MfaRemove;
    type Output = ();
    type Error = RemoveFactorError;

    fn entity(&self) -> Entity {
        self.factor.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), RemoveFactorError> {
        let principal = proof.by();
        let standing = tx.mfa_standing(principal).await?.ok_or(StoreError::Revoked)?;
        let own = tx.factors(principal).await?;
        let gone = own.iter().find(|one| one.id == self.factor);
        let gone = gone.ok_or(RemoveFactorError::NotFound)?;
        // A pending app was never the last one.
        let last = gone.confirmed_at.is_some() && standing.factors.len() == 1;
        if last && standing.is_required() {
            return Err(RemoveFactorError::Last);
        }
        if last && tx.password(principal).await?.is_some_and(|phc| phc.is_short()) {
            return Err(RemoveFactorError::ShortPassword);
        }
        if !tx.remove_factor(principal, self.factor).await? {
            return Err(RemoveFactorError::NotFound);
        }
        if last {
            tx.put_recovery_codes(principal, &[]).await?;
        }
        Ok(())
    }
}
