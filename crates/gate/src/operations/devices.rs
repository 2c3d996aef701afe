//! Devices: who places, changes and removes them, and the codes they enter with.
mod create;
mod delete;
mod enrol;
mod update;

use keepgate_identity::{DeviceRecord, Devices, EnrolmentCode, PrincipalStatus, Principals};
use keepgate_kernel::{PrincipalId, PrincipalKind, Timestamp};
use keepgate_store::StoreError;

pub use create::{CreateDevice, CreateDeviceError, DeviceCreated};
pub use delete::{DeleteDevice, DeleteDeviceError};
pub use enrol::{EnrolDevice, EnrolDeviceError};
pub use update::{UpdateDevice, UpdateDeviceError};

/// A code, to be shown this once.
#[derive(Debug, Clone)]
pub struct DeviceCode {
    /// The code.
    pub code: EnrolmentCode,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// A device that is not deleted and that the caller sees.
async fn device<Tx: Devices + ?Sized>(tx: &mut Tx, id: PrincipalId) -> Result<Option<DeviceRecord>, StoreError> {
    let found = tx.device(id).await?;
    Ok(found.filter(|device| device.status != PrincipalStatus::Deleted))
}

/// Whether `owner` is a user who is not deleted and whom the caller sees.
async fn is_user<Tx: Principals + ?Sized>(tx: &mut Tx, owner: PrincipalId) -> Result<bool, StoreError> {
    if owner.kind() != PrincipalKind::User {
        return Ok(false);
    }
    let found = tx.principal(owner).await?;
    Ok(found.is_some_and(|user| user.status != PrincipalStatus::Deleted))
}
