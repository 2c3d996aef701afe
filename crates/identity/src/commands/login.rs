//! Logging in with a password.
use std::time::Duration;

use keepgate_kernel::{Entity, PrincipalId, SessionId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::{
    Bucket, Entered, Offer, PasswordProof, Passwords, SecondFactors, Sessions, Throttle,
    mfa::{Entrance, admit},
};

/// Opens a session for whoever proved a password, or asks for a second factor. [`crate::FrontDesk::login`] makes it, and names the worker it runs as; failed
/// attempts are commands too, so that the audit log tells them.
#[derive(Debug)]
pub struct Login {
    session: SessionId,
    attempt: Attempt,
}

#[derive(Debug)]
enum Attempt {
    Proven(Box<Proven>),
    Wrong(Option<PrincipalId>),
    Locked(Duration),
}

#[derive(Debug)]
struct Proven {
    proof: PasswordProof,
    bucket: Bucket,
    offer: Offer,
}

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Unknown address or wrong password: nobody learns which.
    #[error("the e-mail address or the password is wrong")]
    InvalidCredentials,
    /// Too many failures; the password was not looked at.
    #[error("too many failed attempts")]
    LockedOut {
        /// When to try again.
        retry_after: Duration,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for LoginError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidCredentials => ErrorKind::Refused("invalid-credentials"),
            Self::LockedOut { .. } => ErrorKind::Refused("locked-out"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl Login {
    pub(crate) fn proven(session: SessionId, proof: PasswordProof, bucket: Bucket) -> Self {
        let offer = Offer::default();
        Self {
            session,
            attempt: Attempt::Proven(Box::new(Proven { proof, bucket, offer })),
        }
    }

    /// Whose password was right.
    #[must_use]
    pub fn proven_by(&self) -> Option<PrincipalId> {
        self.actor().filter(|_| matches!(self.attempt, Attempt::Proven(_)))
    }

    /// Says what can be asked of whoever proved the password; nothing if nobody did.
    pub fn offering(&mut self, offer: Offer) {
        if let Attempt::Proven(proven) = &mut self.attempt {
            proven.offer = offer;
        }
    }

    pub(crate) const fn wrong(session: SessionId, principal: Option<PrincipalId>) -> Self {
        Self {
            session,
            attempt: Attempt::Wrong(principal),
        }
    }

    pub(crate) const fn locked(session: SessionId, retry_after: Duration) -> Self {
        Self {
            session,
            attempt: Attempt::Locked(retry_after),
        }
    }

    /// Whose account it is about, as far as known: the actor of the audit entry.
    #[must_use]
    pub fn actor(&self) -> Option<PrincipalId> {
        match &self.attempt {
            Attempt::Proven(proven) => Some(proven.proof.principal()),
            Attempt::Wrong(principal) => *principal,
            Attempt::Locked(_) => None,
        }
    }
}

impl<Tx: Transaction + Passwords + SecondFactors + Sessions + Throttle + ?Sized> Command<Tx> for Login {
    type Permission = permissions::AuthLogin;
    type Output = Entered;
    type Error = LoginError;

    fn entity(&self) -> Entity {
        match &self.attempt {
            Attempt::Proven(_) => self.session.into(),
            Attempt::Wrong(Some(principal)) => (*principal).into(),
            Attempt::Wrong(None) | Attempt::Locked(_) => Entity::collection("logins"),
        }
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Entered, LoginError> {
        let Proven { proof, bucket, offer } = match &self.attempt {
            Attempt::Proven(proven) => &**proven,
            Attempt::Wrong(_) => return Err(LoginError::InvalidCredentials),
            Attempt::Locked(retry_after) => {
                return Err(LoginError::LockedOut {
                    retry_after: *retry_after,
                });
            }
        };
        // The password may have been changed, or its owner disabled, while it was being compared.
        if tx.password(proof.principal()).await?.as_ref() != Some(proof.verified()) {
            return Err(LoginError::InvalidCredentials);
        }
        if let Some(renewed) = proof.renewed() {
            tx.put_password(proof.principal(), renewed).await?;
        }
        let entrance = Entrance {
            principal: proof.principal(),
            session: self.session,
            bucket: Some(bucket),
            offer,
        };
        match admit(tx, &entrance).await {
            Err(StoreError::Forbidden) => Err(LoginError::InvalidCredentials),
            other => Ok(other?),
        }
    }
}
