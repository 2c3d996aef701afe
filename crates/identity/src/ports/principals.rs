//! Principals.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, PrincipalKind};
use keepgate_policy::ReachProof;
use keepgate_store::StoreError;

use crate::{Me, NewPrincipal, PrincipalRecord};

/// Principals of the caller's tenant. Everybody sees themselves, levels from 3 up and workers everybody.
#[async_trait]
pub trait Principals: Send {
    /// Adds an active principal without a level. `false` if the address, or the id, is taken in that tenant. Levels from 4 up add
    /// to their own tenant, level 7 also users to any; `Forbidden` otherwise.
    async fn add_principal(&mut self, new: &NewPrincipal) -> Result<bool, StoreError>;

    /// The principal, deleted ones too; `None` when there is none the caller may see.
    async fn principal(&mut self, id: PrincipalId) -> Result<Option<PrincipalRecord>, StoreError>;

    /// At most `limit` principals of `kind` that are not deleted, after `after`, in the order of their ids.
    async fn principals(
        &mut self,
        kind: PrincipalKind,
        after: Option<PrincipalId>,
        limit: u32,
    ) -> Result<Vec<PrincipalRecord>, StoreError>;

    /// Lets the principal act, or not. Disabling ends its sessions for good. `false` when there is none that is not deleted and
    /// below the caller's live level.
    async fn set_principal_active(&mut self, proof: &ReachProof, active: bool) -> Result<bool, StoreError>;

    /// Calls the principal something else. `false` as above.
    async fn rename_principal(&mut self, proof: &ReachProof, name: &str) -> Result<bool, StoreError>;

    /// Ends every session of the principal for good, and lets it act on. `false` as above.
    async fn end_every_session(&mut self, proof: &ReachProof) -> Result<bool, StoreError>;

    /// Deletes the principal: it never acts again, its sessions end, its address is free. `false` as above.
    async fn delete_principal(&mut self, proof: &ReachProof) -> Result<bool, StoreError>;

    /// The caller itself, as it is now; `None` for a worker.
    async fn me(&mut self) -> Result<Option<Me>, StoreError>;
}
