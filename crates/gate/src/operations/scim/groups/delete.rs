//! Removes a group.
use keepgate_kernel::{Entity, Uuid};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_sso::scim::Directory;

use super::named;
use crate::operations::scim::{
    ScimError,
    settle::{entered, settle},
    users::UsersTx,
};

/// Removes a group.
#[derive(Debug, Clone)]
pub struct DeleteScimGroup {
    /// Who asks.
    pub directory: Directory,
    /// Which.
    pub id: Uuid,
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for DeleteScimGroup {
    type Permission = permissions::ScimProvision;
    type Output = ();
    type Error = ScimError;

    fn entity(&self) -> Entity {
        named(self.id)
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), ScimError> {
        let provider = entered(tx, &self.directory).await?;
        let found = tx.group(&provider.issuer, self.id).await?;
        let before = found.ok_or(ScimError::NotFound)?.draft;
        if !tx.delete_group(&provider.issuer, self.id).await? {
            return Err(ScimError::NotFound);
        }
        for member in before.members {
            settle(tx, proof, &provider, member).await?;
        }
        Ok(())
    }
}
