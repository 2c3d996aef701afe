//! Groups of a directory. Whoever joins or leaves one gets what the mapping says in the same transaction.
mod change;
mod create;
mod delete;
mod get;
mod list;

use std::collections::BTreeSet;

pub use change::ChangeScimGroup;
pub use create::CreateScimGroup;
pub use delete::DeleteScimGroup;
pub use get::GetScimGroup;
use keepgate_kernel::{Entity, PrincipalId, Uuid};
use keepgate_policy::{Authorized, permissions};
use keepgate_sso::{
    Provider,
    scim::{DirectoryGroup, GroupDraft},
};
pub use list::ListScimGroups;

use super::{ScimError, settle::settle, users::UsersTx};

pub(super) fn named(id: Uuid) -> Entity {
    Entity::named("group", &id.to_string())
}

/// Writes the group down, and settles everybody whom that concerns.
pub(super) async fn put<Tx: UsersTx + ?Sized>(
    tx: &mut Tx,
    proof: &Authorized<permissions::ScimProvision>,
    provider: &Provider,
    group: &DirectoryGroup,
    before: Option<&GroupDraft>,
) -> Result<DirectoryGroup, ScimError> {
    for member in &group.draft.members {
        if tx.account(&provider.issuer, *member).await?.is_none() {
            return Err(ScimError::MemberUnknown);
        }
    }
    if !tx.put_group(group).await? {
        return Err(ScimError::Taken);
    }
    let mut concerned: BTreeSet<PrincipalId> = group.draft.members.clone();
    concerned.extend(before.map(|before| before.members.clone()).unwrap_or_default());
    for member in concerned {
        settle(tx, proof, provider, member).await?;
    }
    tx.group(&provider.issuer, group.id).await?.ok_or(ScimError::NotFound)
}
