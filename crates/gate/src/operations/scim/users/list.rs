//! Lists users, or finds one.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_sso::scim::{Directory, Filter};

use super::{ScimUser, UsersTx, view};
use crate::operations::scim::{Found, ScimError, settle::entered};

/// Lists users, or finds one.
#[derive(Debug, Clone)]
pub struct ListScimUsers {
    /// Who asks.
    pub directory: Directory,
    /// Which.
    pub filter: Option<Filter>,
    /// How many to leave out.
    pub skip: u32,
    /// How many to show.
    pub limit: u32,
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for ListScimUsers {
    type Permission = permissions::ScimRead;
    type Output = Found<ScimUser>;
    type Error = ScimError;

    fn entity(&self) -> Entity {
        Entity::collection("scim-users")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Found<ScimUser>, ScimError> {
        let provider = entered(tx, &self.directory).await?;
        let page = tx.accounts(&provider.issuer, self.filter.as_ref(), self.skip, self.limit);
        let (total, accounts) = page.await?;
        let mut users = Vec::new();
        for account in accounts {
            users.push(view(tx, account).await?);
        }
        Ok(Found { total, page: users })
    }
}
