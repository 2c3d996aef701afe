//! Listing routes.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{
    ports::Routes,
    types::{RouteVersion, STANDARD},
};

/// Lists every route in force, by name; the built-in one among them unless the tenant has its own.
#[derive(Debug)]
pub struct ListRoutes;

impl<Tx: Routes + ?Sized> Command<Tx> for ListRoutes {
    type Permission = permissions::RouteList;
    type Output = Vec<RouteVersion>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("routes")
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<RouteVersion>, StoreError> {
        let mut routes = tx.routes().await?;
        if let Err(place) = routes.binary_search_by(|version| version.route.name().cmp(STANDARD)) {
            routes.insert(place, RouteVersion::standard());
        }
        Ok(routes)
    }
}
