//! One device.
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{DeviceRecord, Devices, PrincipalStatus};

/// Reads a device of the caller's tenant: any from level 4 up, at levels 2 and 3 one of its unit, else one it carries, or itself.
#[derive(Debug, Clone, Copy)]
pub struct GetDevice {
    /// Which.
    pub id: PrincipalId,
}

/// Why it was not read.
#[derive(Debug, thiserror::Error)]
pub enum GetDeviceError {
    /// There is none the caller may see, or it was deleted.
    #[error("no such device")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for GetDeviceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("device-not-found"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Devices + ?Sized> Command<Tx> for GetDevice {
    type Permission = permissions::DeviceRead;
    type Output = DeviceRecord;
    type Error = GetDeviceError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<DeviceRecord, GetDeviceError> {
        tx.device(self.id)
            .await?
            .filter(|device| device.status != PrincipalStatus::Deleted)
            .ok_or(GetDeviceError::NotFound)
    }
}
