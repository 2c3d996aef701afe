//! Entering for the first time.
use keepgate_kernel::{Entity, PrincipalId, SessionId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::{
    CodeHash, Enrolments, Entered, Offer, Passwords, Phc, SecondFactors, Sessions, Throttle,
    mfa::{Entrance, admit},
};

/// Uses a one-time code up, sets the first password and opens a session, or asks for a second factor. [`crate::FrontDesk::enrol`] makes it.
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
    offer: Offer,
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
    pub(crate) fn new(session: SessionId, holder: PrincipalId, code: CodeHash, password: Phc) -> Self {
        let offer = Offer::default();
        Self {
            session,
            ticket: Some(Ticket {
                holder,
                code,
                password,
                offer,
            }),
        }
    }

    /// Says what can be asked of the code's holder; nothing if there is none.
    pub fn offering(&mut self, offer: Offer) {
        if let Some(ticket) = &mut self.ticket {
            ticket.offer = offer;
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

impl<Tx> Command<Tx> for Enrol
where
    Tx: Transaction + Enrolments + Passwords + SecondFactors + Sessions + Throttle + ?Sized,
{
    type Permission = permissions::AuthEnrol;
    type Output = Entered;
    type Error = EnrolError;

    fn entity(&self) -> Entity {
        if self.ticket.is_some() {
            self.session.into()
        } else {
            Entity::collection("enrolments")
        }
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Entered, EnrolError> {
        let ticket = self.ticket.as_ref().ok_or(EnrolError::InvalidCode)?;
        let principal = tx.use_enrolment(&ticket.code).await?.ok_or(EnrolError::InvalidCode)?;
        tx.put_password(principal, &ticket.password).await?;
        let entrance = Entrance {
            principal,
            session: self.session,
            bucket: None,
            offer: &ticket.offer,
        };
        match admit(tx, &entrance).await {
            Err(StoreError::Forbidden) => Err(EnrolError::InvalidCode),
            other => Ok(other?),
        }
    }
}
