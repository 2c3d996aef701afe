//! Groups of directories.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, Uuid};
use keepgate_store::StoreError;

use crate::{Issuer, scim::DirectoryGroup};

/// Groups that directories keep, in the caller's tenant. Workers only: everybody else sees none, and writing is `Forbidden`.
#[async_trait]
pub trait DirectoryGroups: Send {
    /// Writes a group down, members included, in place of the one with that id. Every member must have an account with the issuer.
    /// `false` if another group of the issuer has that name.
    async fn put_group(&mut self, group: &DirectoryGroup) -> Result<bool, StoreError>;

    /// The group of that id, if that issuer keeps it.
    async fn group(&mut self, issuer: &Issuer, id: Uuid) -> Result<Option<DirectoryGroup>, StoreError>;

    /// Every group of the issuer, in the order of their ids.
    async fn groups(&mut self, issuer: &Issuer) -> Result<Vec<DirectoryGroup>, StoreError>;

    /// Removes a group. `false` when there was none.
    async fn delete_group(&mut self, issuer: &Issuer, id: Uuid) -> Result<bool, StoreError>;

    /// The groups a principal is in, by name: id and name.
    async fn groups_of(&mut self, principal: PrincipalId) -> Result<Vec<(Uuid, String)>, StoreError>;
}
