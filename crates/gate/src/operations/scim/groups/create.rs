//! Makes a group.
use keepgate_kernel::{Entity, Timestamp, Uuid};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_sso::scim::{Directory, DirectoryGroup, GroupDraft};

use super::{named, put};
use crate::operations::scim::{ScimError, settle::entered, users::UsersTx};

/// Makes a group.
#[derive(Debug, Clone)]
pub struct CreateScimGroup {
    /// Who asks.
    pub directory: Directory,
    /// The group's id.
    pub id: Uuid,
    /// What it is.
    pub draft: GroupDraft,
    /// When.
    pub at: Timestamp,
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for CreateScimGroup {
    type Permission = permissions::ScimProvision;
    type Output = DirectoryGroup;
    type Error = ScimError;

    fn entity(&self) -> Entity {
        named(self.id)
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<DirectoryGroup, ScimError> {
        let provider = entered(tx, &self.directory).await?;
        let group = DirectoryGroup {
            id: self.id,
            issuer: provider.issuer.clone(),
            draft: self.draft.clone(),
            created_at: self.at,
            updated_at: self.at,
        };
        put(tx, proof, &provider, &group, None).await
    }
}
