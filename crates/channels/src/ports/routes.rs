//! Routes of a tenant.
use async_trait::async_trait;
use keepgate_store::StoreError;

use crate::types::RouteVersion;

/// The routes a tenant has defined: read at every customer level, written from level 4. The built-in one is not stored.
#[async_trait]
pub trait Routes: Send {
    /// Defines the route, or replaces the version that has its name.
    async fn put_route(&mut self, version: &RouteVersion) -> Result<(), StoreError>;

    /// The version that is in force under `name`, `None` if none was defined.
    async fn route(&mut self, name: &str) -> Result<Option<RouteVersion>, StoreError>;

    /// All that were defined, in the order of their names.
    async fn routes(&mut self) -> Result<Vec<RouteVersion>, StoreError>;

    /// Removes the definition; messages keep the version they were accepted with. `false` if there is none, or it may not be
    /// removed.
    async fn remove_route(&mut self, name: &str) -> Result<bool, StoreError>;
}
