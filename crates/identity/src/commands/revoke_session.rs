//! Ending a session.
use keepgate_kernel::{Entity, SessionId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::Sessions;

/// Revokes one's own session or one of a lower level.
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
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RevokeSessionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("session-not-found"),
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

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), RevokeSessionError> {
        if tx.revoke_session(self.session).await? {
            Ok(())
        } else {
            Err(RevokeSessionError::NotFound)
        }
    }
}
