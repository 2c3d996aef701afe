//! The end of a device.
use keepgate_identity::{Devices, Principals};
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, GrantDenied, permissions, tend};
use keepgate_rbac::Roles;
use keepgate_store::StoreError;

use super::device;

/// Removes a device for good: its sessions end, its key and its code are gone, its level is taken away. What it did stays in the audit
/// log under the id.
#[derive(Debug, Clone, Copy)]
pub struct DeleteDevice {
    /// Which.
    pub id: PrincipalId,
}

/// Why it was not removed.
#[derive(Debug, thiserror::Error)]
pub enum DeleteDeviceError {
    /// There is none, or it was removed before.
    #[error("no such device")]
    NotFound,
    /// The caller does not lead it.
    #[error(transparent)]
    Denied(#[from] GrantDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for DeleteDeviceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("device-not-found"),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Devices + Principals + Roles + ?Sized> Command<Tx> for DeleteDevice {
    type Permission = permissions::DeviceDelete;
    type Output = ();
    type Error = DeleteDeviceError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), DeleteDeviceError> {
        let present = device(tx, self.id).await?.ok_or(DeleteDeviceError::NotFound)?;
        let unit = present.unit.ok_or(DeleteDeviceError::NotFound)?;
        let reached = tend(proof, self.id, unit)?;
        if !tx.delete_principal(&reached).await? {
            return Err(DeleteDeviceError::NotFound);
        }
        tx.revoke_role(&reached).await?;
        Ok(())
    }
}
