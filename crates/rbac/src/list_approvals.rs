//! Approvals, page by page.
use keepgate_kernel::{ApprovalId, Entity};
use keepgate_policy::{Approval, Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::Approvals;

/// Lists the tenant's approvals in the order they were asked for, used and expired ones too.
#[derive(Debug, Clone, Copy)]
pub struct ListApprovals {
    /// The last one of the page before.
    pub after: Option<ApprovalId>,
    /// How many at most.
    pub limit: u32,
}

impl<Tx: Approvals + ?Sized> Command<Tx> for ListApprovals {
    type Permission = permissions::ApprovalList;
    type Output = Vec<Approval>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("approvals")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<Approval>, StoreError> {
        tx.approvals(self.after, self.limit).await
    }
}
