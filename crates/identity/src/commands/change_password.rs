//! Changing one's own password.
use std::time::Duration;

use keepgate_kernel::{Entity, PrincipalId, SessionId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::{MailNotice, Mails, PasswordProof, Passwords, Phc, Sessions};

/// Sets a new password in place of one that was just proved, and ends every other session of the caller: whoever learnt the old
/// one is out. [`crate::FrontDesk::change_password`] makes it; failed attempts are commands too.
#[derive(Debug)]
pub struct ChangePassword {
    principal: PrincipalId,
    attempt: Attempt,
}

#[derive(Debug)]
enum Attempt {
    Proven {
        session: SessionId,
        proof: PasswordProof,
        new: Phc,
    },
    Wrong,
    Unchanged,
    Locked(Duration),
}

/// Why it is still the old one.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// That is not the present password, or another change came first.
    #[error("the present password is wrong")]
    WrongPassword,
    /// The new one is the present one.
    #[error("the new password is the present one")]
    Unchanged,
    /// Too many wrong ones in this session; nothing was compared.
    #[error("too many failed attempts")]
    LockedOut {
        /// When to try again.
        retry_after: Duration,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ChangePasswordError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::WrongPassword => ErrorKind::Refused("wrong-password"),
            Self::Unchanged => ErrorKind::Refused("password-unchanged"),
            Self::LockedOut { .. } => ErrorKind::Refused("locked-out"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl ChangePassword {
    pub(crate) const fn proven(session: SessionId, proof: PasswordProof, new: Phc) -> Self {
        Self {
            principal: proof.principal(),
            attempt: Attempt::Proven { session, proof, new },
        }
    }

    pub(crate) const fn wrong(principal: PrincipalId) -> Self {
        let attempt = Attempt::Wrong;
        Self { principal, attempt }
    }

    pub(crate) const fn unchanged(principal: PrincipalId) -> Self {
        let attempt = Attempt::Unchanged;
        Self { principal, attempt }
    }

    pub(crate) const fn locked(principal: PrincipalId, retry_after: Duration) -> Self {
        let attempt = Attempt::Locked(retry_after);
        Self { principal, attempt }
    }
}

impl<Tx: Transaction + Passwords + Sessions + Mails + ?Sized> Command<Tx> for ChangePassword {
    type Permission = permissions::PasswordChange;
    type Output = ();
    type Error = ChangePasswordError;

    fn entity(&self) -> Entity {
        self.principal.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), ChangePasswordError> {
        let (session, proved, new) = match &self.attempt {
            Attempt::Proven { session, proof, new } => (*session, proof, new),
            Attempt::Wrong => return Err(ChangePasswordError::WrongPassword),
            Attempt::Unchanged => return Err(ChangePasswordError::Unchanged),
            Attempt::Locked(retry_after) => {
                return Err(ChangePasswordError::LockedOut {
                    retry_after: *retry_after,
                });
            }
        };
        let own = proof.by() == proved.principal();
        if !own || !tx.renew_password(proved.verified(), new).await? {
            return Err(ChangePasswordError::WrongPassword);
        }
        tx.revoke_other_sessions(session).await?;
        tx.notify(self.principal, MailNotice::PasswordChanged).await?;
        Ok(())
    }
}
