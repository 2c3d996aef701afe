//! Placing a hold.
use keepgate_audit::{Hold, HoldScope, Holds, NewHold};
use keepgate_identity::Principals;
use keepgate_kernel::{Entity, HoldId, PrincipalKind};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use super::request_approval::is_reason;

/// Keeps a person from being erased, and the entries of a time from being removed, until two people release it.
#[derive(Debug, Clone)]
pub struct PlaceHold {
    /// Its id.
    pub id: HoldId,
    /// What it holds.
    pub scope: HoldScope,
    /// Why: 10 to 500 characters, none of them a control character.
    pub reason: String,
}

/// Why nothing is held.
#[derive(Debug, thiserror::Error)]
pub enum PlaceHoldError {
    /// The reason is too short, too long, or holds control characters.
    #[error("a reason has 10 to 500 characters and no control characters")]
    InvalidReason,
    /// The time ends before it begins.
    #[error("the time ends before it begins")]
    Span,
    /// There is no such user.
    #[error("no such user")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for PlaceHoldError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidReason => ErrorKind::Refused("invalid-reason"),
            Self::Span => ErrorKind::Refused("span-malformed"),
            Self::NotFound => ErrorKind::Refused("target-not-found"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Holds + Principals + ?Sized> Command<Tx> for PlaceHold {
    type Permission = permissions::HoldPlace;
    type Output = Hold;
    type Error = PlaceHoldError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Hold, PlaceHoldError> {
        if !is_reason(&self.reason) {
            return Err(PlaceHoldError::InvalidReason);
        }
        if matches!((self.scope.from, self.scope.to), (Some(from), Some(to)) if from >= to) {
            return Err(PlaceHoldError::Span);
        }
        if let Some(subject) = self.scope.subject {
            let known = subject.kind() == PrincipalKind::User && tx.principal(subject).await?.is_some();
            if !known {
                return Err(PlaceHoldError::NotFound);
            }
        }
        let new = NewHold {
            id: self.id,
            scope: self.scope,
            reason: self.reason.clone(),
        };
        tx.add_hold(&new).await?;
        Ok(tx
            .hold(self.id)
            .await?
            .ok_or_else(|| StoreError::corrupt("audit.hold", "id"))?)
    }
}
