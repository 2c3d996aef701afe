//! Changes a user.
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_sso::scim::{Directory, PatchRequest, UserDraft};

use super::{ScimUser, UsersTx, account, find};
use crate::operations::{
    scim::{
        Edit, ScimError,
        settle::{entered, reached, settle},
    },
    sso::login::address,
};

/// Changes a user. Whoever is no longer active has no session and no key from the commit on.
#[derive(Debug, Clone)]
pub struct ChangeScimUser {
    /// Who asks.
    pub directory: Directory,
    /// Which.
    pub id: PrincipalId,
    /// How.
    pub change: Edit<UserDraft>,
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for ChangeScimUser {
    type Permission = permissions::ScimProvision;
    type Output = ScimUser;
    type Error = ScimError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<ScimUser, ScimError> {
        let provider = entered(tx, &self.directory).await?;
        let before = find(tx, &provider, self.id).await?.draft;
        let draft = self.change.of(&before, PatchRequest::apply_to_user)?;
        if !tx.change_account(&account(&provider, self.id, &draft)).await? {
            return Err(ScimError::Taken);
        }
        if (&before.user_name, &before.display_name) != (&draft.user_name, &draft.display_name) {
            let email = address(Some(&draft.user_name), self.id)?;
            let renamed = tx.rename_directory_user(self.id, &email, draft.display_name.as_deref());
            if !reached(renamed.await)? {
                return Err(ScimError::Taken);
            }
        }
        if before.active != draft.active {
            reached(tx.set_directory_user_active(self.id, draft.active).await)?;
        }
        settle(tx, proof, &provider, self.id).await?;
        find(tx, &provider, self.id).await
    }
}
