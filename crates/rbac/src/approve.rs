//! The second of two people.
use keepgate_kernel::{ApprovalId, Entity};
use keepgate_policy::{Approval, ApprovalDenied, Authorized, Command, CommandError, ErrorKind, permissions, second};
use keepgate_store::{StoreError, Transaction};

use crate::Approvals;

/// Agrees to what another has asked for.
#[derive(Debug, Clone, Copy)]
pub struct Approve {
    /// To what.
    pub id: ApprovalId,
}

/// Why it was not approved.
#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    /// There is none that the caller may see.
    #[error("no such approval")]
    NotFound,
    /// The caller is not the second person, or too late.
    #[error(transparent)]
    Denied(#[from] ApprovalDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ApproveError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("approval-not-found"),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Approvals + ?Sized> Command<Tx> for Approve {
    type Permission = permissions::ApprovalApprove;
    type Output = Approval;
    type Error = ApproveError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Approval, ApproveError> {
        let approval = tx.approval(self.id).await?.ok_or(ApproveError::NotFound)?;
        let seconded = second(proof, &approval, tx.context().at())?;
        if !tx.approve(&seconded).await? {
            return Err(ApprovalDenied::NotPending.into());
        }
        tx.approval(self.id).await?.ok_or(ApproveError::NotFound)
    }
}
