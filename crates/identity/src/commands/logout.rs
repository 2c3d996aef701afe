//! Ending one's own session.
use keepgate_kernel::{Entity, SessionId};
use keepgate_policy::{Authorized, Command, CommandError, Credential, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::Sessions;

/// Revokes the session the caller came with, everywhere.
#[derive(Debug, Clone, Copy)]
pub struct Logout {
    /// That session.
    pub session: SessionId,
}

/// Why it was not ended.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// The caller came with something else.
    #[error("that is not the session of this request")]
    NotThisSession,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for LogoutError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotThisSession => ErrorKind::Refused("not-this-session"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Sessions + ?Sized> Command<Tx> for Logout {
    type Permission = permissions::AuthLogout;
    type Output = ();
    type Error = LogoutError;

    fn entity(&self) -> Entity {
        self.session.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), LogoutError> {
        let own = tx.context().credential() == Credential::Session(self.session);
        if own && tx.revoke_session(self.session).await? {
            Ok(())
        } else {
            Err(LogoutError::NotThisSession)
        }
    }
}
