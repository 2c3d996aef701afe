//! What the operations need from a transaction.
use async_trait::async_trait;
use keepgate_kernel::{ApprovalId, Hat, PrincipalId, TenantId, UnitId};
use keepgate_policy::{
    Approval, AskProof, Authorized, EnlistProof, Grant, GrantProof, Matter, ReachProof, SecondProof, Tenant,
    TenantStatus, Unit,
    permissions::{TenantCreate, TenantUpdate, UnitCreate, UnitDelete, UnitUpdate},
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

/// Units of the caller's tenant. Levels 1 to 3 see their own and no other.
#[async_trait]
pub trait Units: Send {
    /// The unit, `None` when there is none the caller may see.
    async fn unit(&mut self, id: UnitId) -> Result<Option<Unit>, StoreError>;

    /// The tenant's oldest unit that the caller may see; `None` in the platform's tenant, which has none.
    async fn main_unit(&mut self) -> Result<Option<UnitId>, StoreError>;

    /// At most `limit` units after `after`, in the order of their ids.
    async fn units(&mut self, after: Option<UnitId>, limit: u32) -> Result<Vec<Unit>, StoreError>;

    /// Adds a unit. `false` if another one has that name. `Forbidden` outside levels 4 and 5.
    async fn add_unit(&mut self, proof: &Authorized<UnitCreate>, id: UnitId, name: &str) -> Result<bool, StoreError>;

    /// Renames a unit. `false` if another one has that name; nothing happens when there is no such unit the caller may change.
    async fn rename_unit(&mut self, proof: &Authorized<UnitUpdate>, id: UnitId, name: &str)
    -> Result<bool, StoreError>;

    /// Takes a unit away and frees its name. `Forbidden` while a principal that is not deleted holds a level in it, whoever
    /// asks; of a deletion and a move into the unit at once, one wins. `false` when there is none the caller may take away.
    async fn delete_unit(&mut self, proof: &Authorized<UnitDelete>, id: UnitId) -> Result<bool, StoreError>;

    /// How many live levels are held in the unit, disabled principals included, as far as the caller sees them.
    async fn people_in(&mut self, id: UnitId) -> Result<u64, StoreError>;
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

    /// Gives the proof's device level 1 in the proof's unit, in place of any unit before.
    ///
    /// `Forbidden` when the proof is not the caller's, and when live rows contradict it: the caller may lead devices no longer, or, a
    /// supervisor, not in this unit or not in the one before. A device whose level was taken away gets none again.
    async fn place_device(&mut self, proof: EnlistProof) -> Result<(), StoreError>;

    /// Takes the level away. `false` when there was none that the caller may take: it must be live and below the caller's own.
    /// `Forbidden` when the proof is not the caller's.
    async fn revoke_role(&mut self, proof: &ReachProof) -> Result<bool, StoreError>;

    /// Puts a hat on a live level, another one in its place, or takes it off. `false` and `Forbidden` as for
    /// [`Roles::revoke_role`]. Sessions opened before are the caller's to end.
    async fn wear(&mut self, proof: &ReachProof, hat: Option<Hat>) -> Result<bool, StoreError>;

    /// The principals that hold level 5 in `tenant`, by id: for level 7, and for levels from 3 up at home.
    async fn owners_of(&mut self, tenant: TenantId) -> Result<Vec<PrincipalId>, StoreError>;
}

/// Two-person approvals of the caller's tenant. Levels 4, 5 and 7 see them.
#[async_trait]
pub trait Approvals: Send {
    /// Asks: pending from now on for four hours of the store's own clock. `Forbidden` when the proof is not the caller's, when
    /// its live level is not the one that asks for this, or when it wears a hat.
    async fn add_approval(&mut self, proof: &AskProof, id: ApprovalId, reason: &str) -> Result<(), StoreError>;

    /// The approval; `None` when there is none the caller may see.
    async fn approval(&mut self, id: ApprovalId) -> Result<Option<Approval>, StoreError>;

    /// At most `limit` approvals after `after`, in the order of their ids.
    async fn approvals(&mut self, after: Option<ApprovalId>, limit: u32) -> Result<Vec<Approval>, StoreError>;

    /// Agrees. `false` when it is not pending any more. `Forbidden` when the proof is not the caller's, the caller asked for it
    /// itself or is whom it is about, and when live rows contradict it: both must hold their levels now. Of two at once, one
    /// agrees.
    async fn approve(&mut self, proof: &SecondProof) -> Result<bool, StoreError>;

    /// An approval for exactly this that was agreed to, is not used and not past its end, and whose asker or approver the
    /// caller is. It is used up by the write that rests on it, which looks at both people again.
    async fn agreed(&mut self, matter: &Matter) -> Result<Option<Approval>, StoreError>;
}
