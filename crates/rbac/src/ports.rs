//! What the operations need from a transaction.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, TenantId, UnitId};
use keepgate_policy::{
    Authorized, Grant, GrantProof, ReachProof, Tenant, TenantStatus, Unit,
    permissions::{TenantCreate, TenantUpdate},
};
use keepgate_store::StoreError;

/// Tenants on record. Platform levels see all of them, everybody else their own.
#[async_trait]
pub trait Tenants: Send {
    /// Adds an active customer tenant, and in it one unit named `main`. `Conflict` if the id exists, `Forbidden` below level 7.
    async fn add_tenant(
        &mut self,
        proof: &Authorized<TenantCreate>,
        id: TenantId,
        name: &str,
    ) -> Result<(), StoreError>;

    /// The tenant; `None` when there is none the caller may see.
    async fn tenant(&mut self, id: TenantId) -> Result<Option<Tenant>, StoreError>;

    /// At most `limit` tenants after `after`, in the order of their ids.
    async fn tenants(&mut self, after: Option<TenantId>, limit: u32) -> Result<Vec<Tenant>, StoreError>;

    /// Suspends or reactivates a customer tenant. `false` when there is none the caller may change; the platform's own
    /// tenant never is. From the commit on nobody enters a suspended tenant.
    async fn set_tenant_status(
        &mut self,
        proof: &Authorized<TenantUpdate>,
        id: TenantId,
        status: TenantStatus,
    ) -> Result<bool, StoreError>;
}

/// Units of the caller's tenant.
#[async_trait]
pub trait Units: Send {
    /// The unit, `None` when the caller's tenant has no such unit.
    async fn unit(&mut self, id: UnitId) -> Result<Option<Unit>, StoreError>;

    /// The unit every customer tenant is born with; `None` in the platform's tenant, which has none.
    async fn main_unit(&mut self) -> Result<Option<UnitId>, StoreError>;

    /// Every unit, by name.
    async fn units(&mut self) -> Result<Vec<Unit>, StoreError>;
}

/// Levels on record. Everybody sees their own, levels from 3 up the tenant's, level 7 also the owners of every tenant.
#[async_trait]
pub trait Roles: Send {
    /// The live level of `principal` in the caller's tenant; `None` if it holds none, or none the caller may see.
    async fn role_of(&mut self, principal: PrincipalId) -> Result<Option<Grant>, StoreError>;

    /// Gives what `proof` says, with `unit` for levels 1 to 3 and only for them, in place of any level held before.
    ///
    /// `Forbidden` when the proof is not the caller's, or when live rows contradict it: the caller's level may have fallen,
    /// the target's risen. The principal must exist, and so must the unit.
    async fn assign(&mut self, proof: GrantProof, unit: Option<UnitId>) -> Result<(), StoreError>;

    /// Takes the level away. `false` when there was none that the caller may take: it must be live and below the caller's own.
    /// `Forbidden` when the proof is not the caller's.
    async fn revoke_role(&mut self, proof: &ReachProof) -> Result<bool, StoreError>;
}
