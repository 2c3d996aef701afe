//! Ending a session.
use keepgate_kernel::{Entity, SessionId};
use keepgate_policy::{Authorized, Command, CommandError, Denied, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::Sessions;

/// Revokes one's own session, or one of a lower level: that wants a fresh proof of identity, one's own does not.
#[derive(Debug, Clone, Copy)]
pub struct RevokeSession {
    /// Which.
    pub session: SessionId,
}

/// Why it was not ended.
#[derive(Debug, thiserror::Error)]
pub enum RevokeSessionError {
    /// There is no live one the caller may end.
    #[error("no such session")]
    NotFound,
    /// The session is somebody else's, and the caller proved itself too long ago.
    #[error(transparent)]
    StepUp(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RevokeSessionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("session-not-found"),
            Self::StepUp(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Sessions + ?Sized> Command<Tx> for RevokeSession {
    type Permission = permissions::SessionRevoke;
    type Output = ();
    type Error = RevokeSessionError;

    fn entity(&self) -> Entity {
        self.session.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), RevokeSessionError> {
        let session = tx.session(self.session).await?.ok_or(RevokeSessionError::NotFound)?;
        if session.principal != proof.by() && !proof.is_fresh() {
            return Err(Denied::StepUp.into());
        }
        if tx.revoke_session(self.session).await? {
            Ok(())
        } else {
            Err(RevokeSessionError::NotFound)
        }
    }
}
