//! Revocations.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, TenantId};
use keepgate_policy::{Authorized, permissions::RevocationCreate};
use keepgate_store::StoreError;

use crate::{Batch, Killed, RevocationOrder};

/// The numbered list of what was revoked. It is written by the store itself, in the transaction of every change that kills a
/// credential: a session ended, a principal disabled, deleted or moved to another epoch, a key changed, a tenant suspended.
#[async_trait]
pub trait Revocations: Send {
    /// Those after `seq`, at most `limit`, oldest first, and the newest number, of one snapshot. Numbers have no gaps and become
    /// visible in their order: whoever has read up to one has missed none before it. The platform's worker only: `Forbidden`.
    async fn revocations_after(&mut self, seq: u64, limit: u32) -> Result<Batch, StoreError>;

    /// Removes those that have ended; the newest number stays. The platform's worker only: `Forbidden`.
    async fn sweep_revocations(&mut self) -> Result<u64, StoreError>;

    /// Ends every session of `principal` and every API key it owns or acts with, in the caller's tenant, if its level is lower or
    /// it is the caller: `None` otherwise.
    async fn revoke_principal(
        &mut self,
        proof: &Authorized<RevocationCreate>,
        principal: PrincipalId,
    ) -> Result<Option<Killed>, StoreError>;

    /// Ends every session and API key of `tenant`: an owner's own, for a global admin any. `None` when there is no such tenant.
    async fn revoke_tenant(
        &mut self,
        proof: &Authorized<RevocationCreate>,
        tenant: TenantId,
    ) -> Result<Option<Killed>, StoreError>;

    /// Ends every session of everybody. API keys stay. Global admins only: `Forbidden`.
    async fn revoke_all(&mut self, proof: &Authorized<RevocationCreate>) -> Result<Killed, StoreError>;

    /// Ends what the key `kid` signed, and every session that may have been opened with it; its seed is destroyed. Another key has to
    /// sign when the transaction commits. `None` when there is no such living key. Global admins only: `Forbidden`.
    async fn revoke_kid(
        &mut self,
        proof: &Authorized<RevocationCreate>,
        kid: &str,
    ) -> Result<Option<Killed>, StoreError>;

    /// Keeps what was ordered, by the caller, and why.
    async fn keep_order(&mut self, order: &RevocationOrder) -> Result<(), StoreError>;
}
