//! Services: programs of a customer, which act through API keys.
mod create;
mod delete;
mod read;
mod update;

use keepgate_identity::{PrincipalRecord, PrincipalStatus, Principals};
use keepgate_kernel::{PrincipalId, PrincipalKind};
use keepgate_store::StoreError;

pub use create::{CreateService, CreateServiceError};
pub use delete::{DeleteService, DeleteServiceError};
pub use read::{GetService, GetServiceError, ListServices};
pub use update::{UpdateService, UpdateServiceError};

/// A service that is not deleted.
pub(super) async fn service<Tx: Principals + ?Sized>(
    tx: &mut Tx,
    id: PrincipalId,
) -> Result<Option<PrincipalRecord>, StoreError> {
    if id.kind() != PrincipalKind::Service {
        return Ok(None);
    }
    let found = tx.principal(id).await?;
    Ok(found.filter(|service| service.status != PrincipalStatus::Deleted))
}
