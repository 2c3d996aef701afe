//! Groups of a directory. Whoever joins or leaves one gets what the mapping says in the same transaction.
use std::collections::BTreeSet;

use keepgate_kernel::{Entity, PrincipalId, Timestamp, Uuid};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_sso::{
    Issuer, Provider,
    scim::{Directory, DirectoryGroup, Filter, FilterOn, GroupDraft, PatchRequest},
};

use super::{
    ScimError,
    settle::{entered, settle},
    users::UsersTx,
};

/// A page of groups.
#[derive(Debug, Clone)]
pub struct FoundGroups {
    /// How many there are in all.
    pub total: u64,
    /// Those of the page.
    pub groups: Vec<DirectoryGroup>,
}

fn named(id: Uuid) -> Entity {
    Entity::named("group", &id.to_string())
}

/// Writes the group down, and settles everybody whom that concerns.
async fn put<Tx: UsersTx + ?Sized>(
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

/// Lists groups, or finds one.
#[derive(Debug, Clone)]
pub struct ListScimGroups {
    /// Who asks.
    pub directory: Directory,
    /// Which.
    pub filter: Option<Filter>,
    /// How many to leave out.
    pub skip: u32,
    /// How many to show.
    pub limit: u32,
}

fn selects(filter: &Filter, group: &DirectoryGroup) -> bool {
    match filter.on {
        FilterOn::Id => group.id.to_string() == filter.value,
        FilterOn::ExternalId => group.draft.external_id.as_ref() == Some(&filter.value),
        FilterOn::DisplayName => group.draft.display_name == filter.value,
        FilterOn::UserName => false,
    }
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for ListScimGroups {
    type Permission = permissions::ScimRead;
    type Output = FoundGroups;
    type Error = ScimError;

    fn entity(&self) -> Entity {
        Entity::collection("scim-groups")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<FoundGroups, ScimError> {
        let issuer: Issuer = entered(tx, &self.directory).await?.issuer;
        let mut groups = tx.groups(&issuer).await?;
        if let Some(filter) = &self.filter {
            groups.retain(|group| selects(filter, group));
        }
        let total = groups.len() as u64;
        let page = groups.into_iter().skip(self.skip as usize).take(self.limit as usize);
        Ok(FoundGroups {
            total,
            groups: page.collect(),
        })
    }
}

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

/// What becomes of a group.
#[derive(Debug, Clone)]
pub enum GroupChange {
    /// It is replaced (PUT).
    Replace(GroupDraft),
    /// It is changed here and there (PATCH).
    Patch(PatchRequest),
}

/// Changes a group.
#[derive(Debug, Clone)]
pub struct ChangeScimGroup {
    /// Who asks.
    pub directory: Directory,
    /// Which.
    pub id: Uuid,
    /// How.
    pub change: GroupChange,
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
        match &self.change {
            GroupChange::Replace(wanted) => group.draft = wanted.clone(),
            GroupChange::Patch(request) => request.apply_to_group(&mut group.draft)?,
        }
        put(tx, proof, &provider, &group, Some(&before)).await
    }
}

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
