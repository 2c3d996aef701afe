//! One group.
use keepgate_kernel::{Entity, Uuid};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_sso::scim::{Directory, DirectoryGroup};

use super::named;
use crate::operations::scim::{ScimError, settle::entered, users::UsersTx};

/// One group.
#[derive(Debug, Clone)]
pub struct GetScimGroup {
    /// Who asks.
    pub directory: Directory,
    /// Which.
    pub id: Uuid,
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for GetScimGroup {
    type Permission = permissions::ScimRead;
    type Output = DirectoryGroup;
    type Error = ScimError;

    fn entity(&self) -> Entity {
        named(self.id)
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<DirectoryGroup, ScimError> {
        let provider = entered(tx, &self.directory).await?;
        tx.group(&provider.issuer, self.id).await?.ok_or(ScimError::NotFound)
    }
}
