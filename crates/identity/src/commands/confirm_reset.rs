//! Setting a new password with a code.
use keepgate_kernel::{Entity, PrincipalId, TenantId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::{Bucket, CodeHash, Email, MailNotice, Mails, Passwords, Phc, Resets, SecondFactors, Sessions, Throttle};

/// Uses a code up, sets the password, ends every session and every log-in that waits for its second factor, and opens none: the next log-in asks for everything it asked for before,
/// a second factor included. [`crate::FrontDesk::confirm_reset`] makes it.
#[derive(Debug)]
pub struct ConfirmReset {
    /// `None`: the code can't be used, and the attempt is only told to the audit log.
    pub(crate) ticket: Option<ResetTicket>,
}

#[derive(Debug)]
pub(crate) struct ResetTicket {
    pub(crate) holder: PrincipalId,
    pub(crate) email: Email,
    pub(crate) code: CodeHash,
    pub(crate) password: Phc,
    /// What strangers failed on this address counted against the old password.
    pub(crate) bucket: Bucket,
}

/// Whose password was set.
#[derive(Debug, Clone)]
pub struct PasswordSet {
    /// In which tenant.
    pub tenant: TenantId,
    /// Whose.
    pub principal: PrincipalId,
    /// The address that the code was sent to.
    pub email: Email,
}

/// Why it is still the old one.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmResetError {
    /// Unknown, used, replaced, past its end, or its owner may not act: nobody learns which.
    #[error("the code is not valid")]
    InvalidCode,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ConfirmResetError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidCode => ErrorKind::Refused("invalid-reset-code"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl ConfirmReset {
    /// Whose code it is, as far as known: the actor of the audit entry.
    #[must_use]
    pub fn actor(&self) -> Option<PrincipalId> {
        self.ticket.as_ref().map(|ticket| ticket.holder)
    }
}

impl<Tx> Command<Tx> for ConfirmReset
where
    Tx: Transaction + Passwords + Resets + SecondFactors + Sessions + Throttle + Mails + ?Sized,
{
    type Permission = permissions::PasswordRecover;
    type Output = PasswordSet;
    type Error = ConfirmResetError;

    fn entity(&self) -> Entity {
        match &self.ticket {
            Some(ticket) => ticket.holder.into(),
            None => Entity::collection("recoveries"),
        }
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<PasswordSet, ConfirmResetError> {
        let ticket = self.ticket.as_ref().ok_or(ConfirmResetError::InvalidCode)?;
        let principal = tx
            .use_reset(&ticket.code)
            .await?
            .ok_or(ConfirmResetError::InvalidCode)?;
        tx.put_password(principal, &ticket.password).await?;
        tx.revoke_sessions_of(principal).await?;
        tx.end_challenges(principal).await?;
        tx.forgive(&ticket.bucket).await?;
        tx.notify(principal, MailNotice::PasswordReset).await?;
        Ok(PasswordSet {
            tenant: proof.tenant(),
            principal,
            email: ticket.email.clone(),
        })
    }
}
