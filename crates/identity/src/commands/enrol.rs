//! Entering for the first time.
use keepgate_kernel::{Entity, PrincipalId, SessionId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, Factors, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::{CodeHash, Enrolments, LoggedIn, NewSession, Passwords, Phc, SESSION_LIFE, Sessions};

/// Uses a one-time code up, sets the first password and opens a session. [`crate::FrontDesk::enrol`] makes it.
#[derive(Debug)]
pub struct Enrol {
    session: SessionId,
    /// `None`: the code can't be used, and the attempt is only told to the audit log.
    ticket: Option<Ticket>,
}

#[derive(Debug)]
struct Ticket {
    holder: PrincipalId,
    code: CodeHash,
    password: Phc,
}

/// Why nobody was enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Unknown, used, past its end, or its principal may not act: nobody learns which.
    #[error("the enrolment code is not valid")]
    InvalidCode,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for EnrolError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidCode => ErrorKind::Refused("invalid-enrolment-code"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl Enrol {
    pub(crate) const fn new(session: SessionId, holder: PrincipalId, code: CodeHash, password: Phc) -> Self {
        Self {
            session,
            ticket: Some(Ticket { holder, code, password }),
        }
    }

    pub(crate) const fn unknown(session: SessionId) -> Self {
        Self { session, ticket: None }
    }

    /// Whose code it is, as far as known: the actor of the audit entry.
    #[must_use]
    pub fn actor(&self) -> Option<PrincipalId> {
        self.ticket.as_ref().map(|ticket| ticket.holder)
    }
}

impl<Tx: Transaction + Enrolments + Passwords + Sessions + ?Sized> Command<Tx> for Enrol {
    type Permission = permissions::AuthEnrol;
    type Output = LoggedIn;
    type Error = EnrolError;

    fn entity(&self) -> Entity {
        if self.ticket.is_some() {
            self.session.into()
        } else {
            Entity::collection("enrolments")
        }
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<LoggedIn, EnrolError> {
        let ticket = self.ticket.as_ref().ok_or(EnrolError::InvalidCode)?;
        let principal = tx.use_enrolment(&ticket.code).await?.ok_or(EnrolError::InvalidCode)?;
        tx.put_password(principal, &ticket.password).await?;
        let expires_at = tx.context().at() + SESSION_LIFE;
        match tx
            .open_session(&NewSession {
                factors: Factors::One,
                id: self.session,
                principal,
                expires_at,
            })
            .await
        {
            Err(StoreError::Forbidden) => Err(EnrolError::InvalidCode),
            other => Ok(other?),
        }
    }
}
