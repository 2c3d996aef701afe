//! Lists groups, or finds one.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_sso::{
    Issuer,
    scim::{Directory, DirectoryGroup, Filter, FilterOn},
};

use crate::operations::scim::{Found, ScimError, settle::entered, users::UsersTx};

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

impl<Tx: UsersTx + ?Sized> Command<Tx> for ListScimGroups {
    type Permission = permissions::ScimRead;
    type Output = Found<DirectoryGroup>;
    type Error = ScimError;

    fn entity(&self) -> Entity {
        Entity::collection("scim-groups")
    }

    async fn run(
        &self,
        _proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<Found<DirectoryGroup>, ScimError> {
        let issuer: Issuer = entered(tx, &self.directory).await?.issuer;
        let mut groups = tx.groups(&issuer).await?;
        if let Some(filter) = &self.filter {
            groups.retain(|group| selects(filter, group));
        }
        let total = groups.len() as u64;
        let page = groups.into_iter().skip(self.skip as usize).take(self.limit as usize);
        Ok(Found {
            total,
            page: page.collect(),
        })
    }
}

fn selects(filter: &Filter, group: &DirectoryGroup) -> bool {
    match filter.on {
        FilterOn::Id => group.id.to_string() == filter.value,
        FilterOn::ExternalId => group.draft.external_id.as_ref() == Some(&filter.value),
        FilterOn::DisplayName => group.draft.display_name == filter.value,
        FilterOn::UserName => false,
    }
}
