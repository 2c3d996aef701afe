//! Ending every session of a principal.
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, CommandError, Denied, ErrorKind, Target, permissions, reach};
use keepgate_store::StoreError;

use crate::{Principals, Sessions};

/// Revokes every session of oneself or of a principal with a lower level; the latter wants a fresh proof of identity. Says how
/// many there were.
#[derive(Debug, Clone, Copy)]
pub struct RevokePrincipalSessions {
    /// Whose.
    pub principal: PrincipalId,
}

/// Why none was ended.
#[derive(Debug, thiserror::Error)]
pub enum RevokePrincipalSessionsError {
    /// There is no such principal the caller may see.
    #[error("no such principal")]
    NotFound,
    /// The principal's level is not below the caller's.
    #[error("a peer or superior is out of reach")]
    OutOfReach,
    /// The sessions are somebody else's, and the caller proved itself too long ago.
    #[error(transparent)]
    StepUp(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RevokePrincipalSessionsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("principal-not-found"),
            Self::OutOfReach => ErrorKind::Refused("out-of-reach"),
            Self::StepUp(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Principals + Sessions + ?Sized> Command<Tx> for RevokePrincipalSessions {
    type Permission = permissions::SessionRevoke;
    type Output = u64;
    type Error = RevokePrincipalSessionsError;

    fn entity(&self) -> Entity {
        self.principal.into()
    }

    async fn run(
        &self,
        proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<u64, RevokePrincipalSessionsError> {
        if self.principal != proof.by() {
            let target = tx
                .principal(self.principal)
                .await?
                .ok_or(RevokePrincipalSessionsError::NotFound)?;
            let target = Target {
                principal: self.principal,
                tenant: proof.tenant(),
                present: target.level,
            };
            let _reached = reach(proof, target).map_err(|_| RevokePrincipalSessionsError::OutOfReach)?;
            if !proof.is_fresh() {
                return Err(Denied::StepUp.into());
            }
        }
        Ok(tx.revoke_sessions_of(self.principal).await?)
    }
}
