//! Devices.
use async_trait::async_trait;
use keepgate_kernel::PrincipalId;
use keepgate_policy::{EnlistProof, ReachProof};
use keepgate_store::StoreError;

use crate::{DeviceChange, DeviceRecord, NewDevice, NewEnrolment};

/// Devices of the caller's tenant. Levels from 4 up see all, 2 and 3 those of their unit, everybody what they carry, a device
/// itself. People with a session
/// lead them: a supervisor in its own unit, levels 4 and 5 anywhere; nobody wearing a hat, and no API key.
///
/// Letting one act or not, and deleting it, are [`crate::Principals`]'. With a device that may not act falls its code; with a deleted
/// one its key as well.
///
/// The proof that a device may be placed adds one; the right to read devices does not:
/// ```compile_fail,E0308
/// use keepgate_policy::{Authorized, permissions::DeviceRead};
/// async fn add<T: keepgate_identity::Devices>(tx: &mut T, proof: &Authorized<DeviceRead>, new: &keepgate_identity::NewDevice) {
///     let _added = tx.add_device(proof, new).await;
/// }
/// ```
#[async_trait]
pub trait Devices: Send {
    /// Adds the proof's device, active and without a level. `false` if the id is taken in that tenant. `Forbidden` when the proof is not
    /// the caller's, to whoever leads no devices, and when the owner is no user of the tenant.
    async fn add_device(&mut self, proof: &EnlistProof, new: &NewDevice) -> Result<bool, StoreError>;

    /// The device, deleted ones too; `None` when there is none the caller may see.
    async fn device(&mut self, id: PrincipalId) -> Result<Option<DeviceRecord>, StoreError>;

    /// At most `limit` devices that are not deleted, after `after`, in the order of their ids.
    async fn devices(&mut self, after: Option<PrincipalId>, limit: u32) -> Result<Vec<DeviceRecord>, StoreError>;

    /// Changes name or owner. `false` when there is none that is not deleted and within the caller's reach. `Forbidden` when the owner
    /// is no user of the tenant.
    async fn change_device(&mut self, proof: &ReachProof, change: &DeviceChange) -> Result<bool, StoreError>;

    /// Puts a one-time code on record in place of any earlier one of its device, for 24 hours at most. `Forbidden` when the proof is
    /// not the caller's or not about this device, and when the device is not an active one within the caller's reach.
    async fn add_device_code(&mut self, proof: &ReachProof, new: &NewEnrolment) -> Result<(), StoreError>;
}
