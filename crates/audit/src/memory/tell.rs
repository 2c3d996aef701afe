//! Telling a tenant, in memory.
use async_trait::async_trait;
use keepgate_kernel::{Action, ApprovalId, Level, TenantId};
use keepgate_policy::{Approval, Matter};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync;

use super::{
    append::leaf_of,
    table::{Audit, Row},
};
use crate::{NewEntry, TenantLogs, leaf::leaf_hash};

/// The sibling's rows, by the type that names them.
type ApprovalRows = RedBlackTreeMapSync<(TenantId, ApprovalId), Approval>;

#[async_trait]
impl TenantLogs for MemTx {
    async fn tell_tenant(&mut self, tenant: TenantId, entry: &NewEntry) -> Result<(), StoreError> {
        entry.check(self.context().occurred_at())?;
        let context = self.context();
        let (home, at, caller) = (context.tenant(), context.at(), context.principal().id);
        let global = context.principal().level() == Some(Level::GlobalAdmin);
        let reaches = |approval: &Approval| {
            let about = matches!(approval.matter, Matter::BreakGlass { tenant: about, .. } if about == tenant);
            let party = approval.requested_by == caller || approval.approved.is_some_and(|(who, _)| who == caller);
            about && party && approval.tenant == home && approval.consumed_at == Some(at)
        };
        let spent = self
            .read::<ApprovalRows>()
            .is_some_and(|rows| rows.values().any(reaches));
        if !global || !spent || entry.action != Action::BreakGlass {
            return Err(StoreError::Forbidden);
        }
        let mut leaf = leaf_of(entry, self.context(), None);
        leaf.tenant = tenant;
        let bytes = leaf.to_bytes();
        let row = Row {
            tenant,
            leaf_hash: leaf_hash(&bytes),
            leaf: bytes.into(),
            key: None,
        };
        self.write_unaudited::<Audit>().entries.push_back_mut(row);
        Ok(())
    }
}
