//! Reading a route.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{
    ports::Routes,
    types::{RouteVersion, STANDARD, is_name},
};

/// Reads the version of a route that is in force.
#[derive(Debug)]
pub struct GetRoute {
    /// The route's name.
    pub name: String,
}

/// Why it was not read.
#[derive(Debug, thiserror::Error)]
pub enum GetRouteError {
    /// There is none of this name.
    #[error("no such route")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for GetRouteError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-route"),
            Self::Store(error) => error.kind(),
        }
    }
}

/// `route:<name>`, or `routes` for a text that can't be a name.
pub(super) fn route_entity(name: &str) -> Entity {
    if is_name(name) {
        Entity::named("route", name)
    } else {
        Entity::collection("routes")
    }
}

/// The version in force under `name`: the tenant's own, or the built-in one.
pub(super) async fn in_force<Tx: Routes + ?Sized>(tx: &mut Tx, name: &str) -> Result<Option<RouteVersion>, StoreError> {
    if !is_name(name) {
        return Ok(None);
    }
    let own = tx.route(name).await?;
    Ok(own.or_else(|| (name == STANDARD).then(RouteVersion::standard)))
}

impl<Tx: Routes + ?Sized> Command<Tx> for GetRoute {
    type Permission = permissions::RouteRead;
    type Output = RouteVersion;
    type Error = GetRouteError;

    fn entity(&self) -> Entity {
        route_entity(&self.name)
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<RouteVersion, GetRouteError> {
        in_force(tx, &self.name).await?.ok_or(GetRouteError::Unknown)
    }
}
