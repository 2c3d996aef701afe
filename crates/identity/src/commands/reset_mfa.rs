//! Taking somebody's second factors away, because they are lost.
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, GrantDenied, Target, permissions, reach};
use keepgate_store::StoreError;

use crate::{Principals, SecondFactors, Sessions};

/// Removes the second factors and recovery codes of a user of a lower level and ends the user's sessions. What the next log-in is
/// worth, the tenant's policy says; the grace of a new user does not begin again.
#[derive(Debug, Clone, Copy)]
pub struct ResetMfa {
    /// Whose.
    pub user: PrincipalId,
}

/// Why nothing was removed.
#[derive(Debug, thiserror::Error)]
pub enum ResetMfaError {
    /// There is no such user.
    #[error("no such user")]
    NotFound,
    /// The caller may not do that to this user.
    #[error(transparent)]
    Denied(#[from] GrantDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ResetMfaError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("user-not-found"),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Principals + SecondFactors + Sessions + ?Sized> Command<Tx> for ResetMfa {
    type Permission = permissions::MfaReset;
    type Output = u64;
    type Error = ResetMfaError;

    fn entity(&self) -> Entity {
        self.user.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<u64, ResetMfaError> {
        let user = tx.principal(self.user).await?.ok_or(ResetMfaError::NotFound)?;
        let target = Target {
            principal: user.id,
            tenant: proof.tenant(),
            present: user.level,
        };
        let reached = reach(proof, target)?;
        let cleared = tx.reset_factors(&reached).await?;
        tx.revoke_sessions_of(user.id).await?;
        Ok(cleared)
    }
}
