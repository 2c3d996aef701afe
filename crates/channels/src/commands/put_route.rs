//! Defining a route.
use keepgate_kernel::{Entity, RouteId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::{
    ports::Routes,
    types::{Route, RouteError, RouteVersion, Step},
};

/// Defines a route, or a new version of it. Messages under way keep theirs.
#[derive(Debug)]
pub struct PutRoute {
    /// The id of the new version.
    pub id: RouteId,
    /// The route's name; `standard` overrides the built-in one.
    pub name: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Whether only an acknowledgement ends a message well.
    pub require_ack: bool,
    /// How long a message lives; seconds.
    pub deadline_seconds: u32,
}

/// Why it was not defined.
#[derive(Debug, thiserror::Error)]
pub enum PutRouteError {
    /// It makes no sense.
    #[error(transparent)]
    Invalid(#[from] RouteError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for PutRouteError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Refused("invalid-route"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Routes + ?Sized> Command<Tx> for PutRoute {
    type Permission = permissions::RoutePut;
    type Output = RouteVersion;
    type Error = PutRouteError;

    /// By name where the name can be one: the log holds nothing that was not checked.
    fn entity(&self) -> Entity {
        super::get_route::route_entity(&self.name)
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<RouteVersion, PutRouteError> {
        let route = Route::new(&self.name, self.steps.clone(), self.require_ack, self.deadline_seconds)?;
        let version = RouteVersion {
            id: self.id,
            route,
            updated_at: Some(tx.context().at()),
        };
        tx.put_route(&version).await?;
        Ok(version)
    }
}
