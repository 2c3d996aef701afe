//! Every tenant, page by page.
use keepgate_kernel::{Entity, TenantId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{Tenant, Tenants};

/// Lists tenants in the order they were made.
#[derive(Debug, Clone, Copy)]
pub struct ListTenants {
    /// The last one of the page before.
    pub after: Option<TenantId>,
    /// How many at most.
    pub limit: u32,
}

impl<Tx: Tenants + ?Sized> Command<Tx> for ListTenants {
    type Permission = permissions::TenantList;
    type Output = Vec<Tenant>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("tenants")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<Tenant>, StoreError> {
        tx.tenants(self.after, self.limit).await
    }
}
