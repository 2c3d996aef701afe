//! Routes.
use async_trait::async_trait;
use keepgate_store::{MemTx, StoreError, Transaction};

use super::{Rows, caller, rows};
use crate::{ports::Routes, types::RouteVersion};

#[async_trait]
impl Routes for MemTx {
    async fn put_route(&mut self, version: &RouteVersion) -> Result<(), StoreError> {
        let (caller, now) = (caller(self), self.context().at());
        if !caller.within(4, 5) {
            return Err(StoreError::Forbidden);
        }
        let version = RouteVersion {
            updated_at: version.updated_at.or(Some(now)),
            ..version.clone()
        };
        self.write::<Rows>()
            .routes
            .insert_mut((caller.tenant, version.route.name().to_owned()), version);
        Ok(())
    }

    async fn route(&mut self, name: &str) -> Result<Option<RouteVersion>, StoreError> {
        let caller = caller(self);
        Ok(rows(self)
            .routes
            .get(&(caller.tenant, name.to_owned()))
            .filter(|_| caller.within(1, 5))
            .cloned())
    }

    async fn routes(&mut self) -> Result<Vec<RouteVersion>, StoreError> {
        let caller = caller(self);
        let all = rows(self).routes;
        let mine = all
            .iter()
            .filter(|((tenant, _), _)| *tenant == caller.tenant && caller.within(1, 5));
        Ok(mine.map(|(_, version)| version.clone()).collect())
    }

    async fn remove_route(&mut self, name: &str) -> Result<bool, StoreError> {
        let caller = caller(self);
        Ok(caller.within(4, 5)
            && self
                .write::<Rows>()
                .routes
                .remove_mut(&(caller.tenant, name.to_owned())))
    }
}
