//! Suspending and reactivating a tenant.
use keepgate_kernel::{Entity, TenantId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{Tenant, TenantStatus, Tenants};

/// Sets a customer tenant's status. A suspended tenant's sessions and keys are refused from the commit on.
#[derive(Debug, Clone, Copy)]
pub struct UpdateTenant {
    /// Which.
    pub id: TenantId,
    /// What it shall be.
    pub status: TenantStatus,
}

/// Why it was not changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateTenantError {
    /// There is no such customer tenant.
    #[error("no such customer tenant")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for UpdateTenantError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("tenant-not-found"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Tenants + ?Sized> Command<Tx> for UpdateTenant {
    type Permission = permissions::TenantUpdate;
    type Output = Tenant;
    type Error = UpdateTenantError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Tenant, UpdateTenantError> {
        if !tx.set_tenant_status(proof, self.id, self.status).await? {
            return Err(UpdateTenantError::NotFound);
        }
        tx.tenant(self.id).await?.ok_or(UpdateTenantError::NotFound)
    }
}
