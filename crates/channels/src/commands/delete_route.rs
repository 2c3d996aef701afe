//! Removing a route.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use super::get_route::route_entity;
use crate::{
    ports::Routes,
    types::{STANDARD, is_name},
};

/// Removes a tenant's definition of a route. Messages under way keep their version; `standard` falls back to the built-in one.
#[derive(Debug)]
pub struct DeleteRoute {
    /// The route's name.
    pub name: String,
}

/// Why it was not removed.
#[derive(Debug, thiserror::Error)]
pub enum DeleteRouteError {
    /// There is none of this name.
    #[error("no such route")]
    Unknown,
    /// The built-in one can be overridden, not removed.
    #[error("the built-in route can't be removed")]
    BuiltIn,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for DeleteRouteError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-route"),
            Self::BuiltIn => ErrorKind::Refused("built-in-route"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Routes + ?Sized> Command<Tx> for DeleteRoute {
    type Permission = permissions::RouteDelete;
    type Output = ();
    type Error = DeleteRouteError;

    fn entity(&self) -> Entity {
        route_entity(&self.name)
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), DeleteRouteError> {
        if is_name(&self.name) && tx.remove_route(&self.name).await? {
            return Ok(());
        }
        Err(if self.name == STANDARD {
            DeleteRouteError::BuiltIn
        } else {
            DeleteRouteError::Unknown
        })
    }
}
