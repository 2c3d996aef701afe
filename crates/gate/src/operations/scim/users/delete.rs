//! Removes a user.
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_sso::scim::Directory;
use keepgate_store::StoreError;

use super::UsersTx;
use crate::operations::scim::{
    ScimError,
    settle::{entered, reached},
};

/// Removes a user for good: sessions, keys and level end, the address is free.
#[derive(Debug, Clone)]
pub struct DeleteScimUser {
    /// Who asks.
    pub directory: Directory,
    /// Which.
    pub id: PrincipalId,
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for DeleteScimUser {
    type Permission = permissions::ScimProvision;
    type Output = ();
    type Error = ScimError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), ScimError> {
        let provider = entered(tx, &self.directory).await?;
        if tx.account(&provider.issuer, self.id).await?.is_none() {
            return Err(ScimError::NotFound);
        }
        if !reached(tx.delete_directory_user(self.id).await)? || !tx.remove_account(&provider.issuer, self.id).await? {
            return Err(StoreError::Conflict.into());
        }
        Ok(())
    }
}
