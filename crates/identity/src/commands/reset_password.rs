//! Having a code sent to somebody else.
use keepgate_kernel::{Entity, PrincipalId, PrincipalKind};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, GrantDenied, Target, permissions, reach};
use keepgate_store::StoreError;

use crate::{Mails, PrincipalStatus, Principals};

/// Has a code sent to a user of a lower level, to the user's own address. Nobody sets or sees another one's password or code.
#[derive(Debug, Clone, Copy)]
pub struct ResetPassword {
    /// Whose.
    pub user: PrincipalId,
    /// Whether mail is configured.
    pub mail: bool,
}

/// Why no code is sent.
#[derive(Debug, thiserror::Error)]
pub enum ResetPasswordError {
    /// There is none, or it may not act.
    #[error("no such user")]
    NotFound,
    /// There is no way to send it.
    #[error("no mail is configured")]
    MailNotConfigured,
    /// The caller may not do that to this user.
    #[error(transparent)]
    Denied(#[from] GrantDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ResetPasswordError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("user-not-found"),
            Self::MailNotConfigured => ErrorKind::Refused("mail-not-configured"),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Principals + Mails + ?Sized> Command<Tx> for ResetPassword {
    type Permission = permissions::PasswordReset;
    type Output = ();
    type Error = ResetPasswordError;

    fn entity(&self) -> Entity {
        self.user.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), ResetPasswordError> {
        if self.user.kind() != PrincipalKind::User {
            return Err(ResetPasswordError::NotFound);
        }
        let user = tx.principal(self.user).await?.ok_or(ResetPasswordError::NotFound)?;
        if user.status != PrincipalStatus::Active {
            return Err(ResetPasswordError::NotFound);
        }
        let target = Target {
            principal: self.user,
            tenant: proof.tenant(),
            present: user.level,
        };
        let reached = reach(proof, target)?;
        if !self.mail {
            return Err(ResetPasswordError::MailNotConfigured);
        }
        Ok(tx.ask_for_code(&reached).await?)
    }
}
