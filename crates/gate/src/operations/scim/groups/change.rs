//! Changes a group.
use keepgate_kernel::{Entity, Uuid};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_sso::scim::{Directory, DirectoryGroup, GroupDraft, PatchRequest};

use super::{named, put};
use crate::operations::scim::{Edit, ScimError, settle::entered, users::UsersTx};

/// Changes a group.
#[derive(Debug, Clone)]
pub struct ChangeScimGroup {
    /// Who asks.
    pub directory: Directory,
    /// Which.
    pub id: Uuid,
    /// How.
    pub change: Edit<GroupDraft>,
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for ChangeScimGroup {
    type Permission = permissions::ScimProvision;
    type Output = DirectoryGroup;
    type Error = ScimError;

    fn entity(&self) -> Entity {
        named(self.id)
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<DirectoryGroup, ScimError> {
        let provider = entered(tx, &self.directory).await?;
        let found = tx.group(&provider.issuer, self.id).await?;
        let mut group = found.ok_or(ScimError::NotFound)?;
        let before = group.draft.clone();
        group.draft = self.change.of(&before, PatchRequest::apply_to_group)?;
        put(tx, proof, &provider, &group, Some(&before)).await
    }
}
