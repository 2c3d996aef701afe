//! Makes a user.
use keepgate_identity::NewPrincipal;
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_sso::scim::{Directory, UserDraft};

use super::{ScimUser, UsersTx, account, find};
use crate::operations::{
    scim::{
        ScimError,
        settle::{entered, reached, settle},
    },
    sso::login::address,
};

/// Makes a user. An address that is somebody's here already is refused: nobody is taken over.
#[derive(Debug, Clone)]
pub struct CreateScimUser {
    /// Who asks.
    pub directory: Directory,
    /// The user's id.
    pub id: PrincipalId,
    /// What it is.
    pub draft: UserDraft,
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for CreateScimUser {
    type Permission = permissions::ScimProvision;
    type Output = ScimUser;
    type Error = ScimError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<ScimUser, ScimError> {
        let provider = entered(tx, &self.directory).await?;
        let new = NewPrincipal {
            id: self.id,
            tenant: proof.tenant(),
            email: Some(address(Some(&self.draft.user_name), self.id)?),
            display_name: self.draft.display_name.clone(),
        };
        if !tx.add_directory_user(&new).await? || !tx.add_account(&account(&provider, self.id, &self.draft)).await? {
            return Err(ScimError::Taken);
        }
        if !self.draft.active {
            reached(tx.set_directory_user_active(self.id, false).await)?;
        }
        settle(tx, proof, &provider, self.id).await?;
        find(tx, &provider, self.id).await
    }
}
