//! One tenant.
use keepgate_kernel::{Entity, TenantId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{Tenant, Tenants};

/// Reads a tenant.
#[derive(Debug, Clone, Copy)]
pub struct GetTenant {
    /// Which.
    pub id: TenantId,
}

/// Why it was not read.
#[derive(Debug, thiserror::Error)]
pub enum GetTenantError {
    /// There is none.
    #[error("no such tenant")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for GetTenantError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("tenant-not-found"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Tenants + ?Sized> Command<Tx> for GetTenant {
    type Permission = permissions::TenantRead;
    type Output = Tenant;
    type Error = GetTenantError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Tenant, GetTenantError> {
        tx.tenant(self.id).await?.ok_or(GetTenantError::NotFound)
    }
}
