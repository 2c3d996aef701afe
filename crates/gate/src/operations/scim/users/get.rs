//! One user.
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_sso::scim::Directory;

use super::{ScimUser, UsersTx, find};
use crate::operations::scim::{ScimError, settle::entered};

/// One user.
#[derive(Debug, Clone)]
pub struct GetScimUser {
    /// Who asks.
    pub directory: Directory,
    /// Which.
    pub id: PrincipalId,
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for GetScimUser {
    type Permission = permissions::ScimRead;
    type Output = ScimUser;
    type Error = ScimError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<ScimUser, ScimError> {
        let provider = entered(tx, &self.directory).await?;
        find(tx, &provider, self.id).await
    }
}
