//! Users whom a directory or an identity provider keeps.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, UnitId};
use keepgate_policy::MappedProof;
use keepgate_store::StoreError;

use crate::{Email, NewPrincipal, UserStanding};

/// Users of the caller's tenant on behalf of a directory. Workers only: `Forbidden` for everybody else. In PostgreSQL each of
/// these is one narrow function that decides again on live rows, and nobody at the level of an owner is ever touched.
#[async_trait]
pub trait DirectoryUsers: Send {
    /// How a user of the tenant stands now, deleted ones too; `None` when there is none.
    async fn standing(&mut self, id: PrincipalId) -> Result<Option<UserStanding>, StoreError>;

    /// Adds an active user without a level. `false` if the address, or the id, is taken in that tenant.
    async fn add_directory_user(&mut self, new: &NewPrincipal) -> Result<bool, StoreError>;

    /// Changes address and name. `false` if the address is taken, or there is no such user who is kept by a directory.
    async fn rename_directory_user(
        &mut self,
        id: PrincipalId,
        email: &Email,
        display_name: Option<&str>,
    ) -> Result<bool, StoreError>;

    /// Lets the user act, or not. Disabling ends its sessions and every API key it owns, in this transaction. `false` when there is
    /// no such user who is kept by a directory.
    async fn set_directory_user_active(&mut self, id: PrincipalId, active: bool) -> Result<bool, StoreError>;

    /// Deletes the user: as disabling, for good; its level is taken away and its address is free. `false` as above.
    async fn delete_directory_user(&mut self, id: PrincipalId) -> Result<bool, StoreError>;

    /// Gives what `proof` says, with `unit` for levels 1 to 3 and only for them, in place of any level held before; or takes the
    /// level away.
    ///
    /// `Forbidden` when the owner whose mapping it is holds level 5 no longer or may not act, when the target is an owner, and in
    /// PostgreSQL when the level is not one that the owner mapped.
    async fn grant_mapped(&mut self, proof: MappedProof, unit: Option<UnitId>) -> Result<(), StoreError>;
}
