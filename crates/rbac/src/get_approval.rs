//! One approval.
use keepgate_kernel::{ApprovalId, Entity};
use keepgate_policy::{Approval, Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::Approvals;

/// Reads an approval of the caller's tenant.
#[derive(Debug, Clone, Copy)]
pub struct GetApproval {
    /// Which.
    pub id: ApprovalId,
}

/// Why it was not read.
#[derive(Debug, thiserror::Error)]
pub enum GetApprovalError {
    /// There is none that the caller may see.
    #[error("no such approval")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for GetApprovalError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("approval-not-found"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Approvals + ?Sized> Command<Tx> for GetApproval {
    type Permission = permissions::ApprovalList;
    type Output = Approval;
    type Error = GetApprovalError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Approval, GetApprovalError> {
        tx.approval(self.id).await?.ok_or(GetApprovalError::NotFound)
    }
}
