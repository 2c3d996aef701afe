//! Asking for a code to set a forgotten password, in three steps: what somebody typed, whom it may reach, and the code.
use keepgate_kernel::{Entity, MailId, PrincipalId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{Mails, NewReset, Passwords, Resets};

/// Somebody typed an address. Known and unknown ones take the same steps: a worker looks at it later.
#[derive(Debug)]
pub struct RecoverPassword {
    /// The id of the request.
    pub id: MailId,
    /// The address, sealed; `None` when nothing is to come of it: too many requests, or no mail is configured.
    pub sealed: Option<Vec<u8>>,
}

impl<Tx: Mails + ?Sized> Command<Tx> for RecoverPassword {
    type Permission = permissions::PasswordRecover;
    type Output = ();
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("recoveries")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), StoreError> {
        match &self.sealed {
            Some(sealed) => tx.queue_recovery(self.id, sealed).await,
            None => Ok(()),
        }
    }
}

/// An account has that address: a code is to be sent to it.
#[derive(Debug, Clone, Copy)]
pub struct OfferReset {
    /// Whose account.
    pub principal: PrincipalId,
}

impl<Tx: Mails + ?Sized> Command<Tx> for OfferReset {
    type Permission = permissions::PasswordRecover;
    type Output = ();
    type Error = StoreError;

    fn entity(&self) -> Entity {
        self.principal.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), StoreError> {
        tx.queue_code(self.principal).await
    }
}

/// Puts a code on record that is about to be sent. Older ones of the same person end.
#[derive(Debug, Clone, Copy)]
pub struct IssueReset {
    /// The code, by its hash.
    pub reset: NewReset,
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum IssueResetError {
    /// Whoever has not enrolled yet has no password to forget.
    #[error("there is no password to replace")]
    NoPassword,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for IssueResetError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoPassword => ErrorKind::Refused("no-password"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Passwords + Resets + ?Sized> Command<Tx> for IssueReset {
    type Permission = permissions::PasswordRecover;
    type Output = ();
    type Error = IssueResetError;

    fn entity(&self) -> Entity {
        self.reset.principal.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), IssueResetError> {
        if tx.password(self.reset.principal).await?.is_none() {
            return Err(IssueResetError::NoPassword);
        }
        Ok(tx.add_reset(&self.reset).await?)
    }
}
