//! The end of a hold.
use keepgate_audit::{Hold, Holds};
use keepgate_kernel::{Entity, HoldId};
use keepgate_policy::{ApprovalDenied, Authorized, Command, CommandError, ErrorKind, Matter, permissions};
use keepgate_rbac::Approvals;
use keepgate_store::{StoreError, Transaction};

use super::consent::consent;

/// Ends a hold, because an owner and a second person want it. It stays on record.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseHold {
    /// Which.
    pub id: HoldId,
}

/// Why it goes on.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseHoldError {
    /// There is none.
    #[error("no such hold")]
    NotFound,
    /// It has been released.
    #[error("the hold has been released already")]
    Released,
    /// Two people have not agreed on it.
    #[error(transparent)]
    Unapproved(#[from] ApprovalDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ReleaseHoldError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("hold-not-found"),
            Self::Released => ErrorKind::Refused("hold-released"),
            Self::Unapproved(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Approvals + Holds + ?Sized> Command<Tx> for ReleaseHold {
    type Permission = permissions::HoldRelease;
    type Output = Hold;
    type Error = ReleaseHoldError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Hold, ReleaseHoldError> {
        let present = tx.hold(self.id).await?.ok_or(ReleaseHoldError::NotFound)?;
        if present.released.is_some() {
            return Err(ReleaseHoldError::Released);
        }
        let agreed = consent(proof, tx, &Matter::ReleaseHold { hold: self.id }).await??;
        if !tx.release_hold(&agreed).await? {
            return Err(ReleaseHoldError::Released);
        }
        tx.hold(self.id).await?.ok_or(ReleaseHoldError::NotFound)
    }
}
