//! Devices, page by page.
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{DeviceRecord, Devices};

/// Lists the devices the caller may see in the order they were made, deleted ones left out.
#[derive(Debug, Clone, Copy)]
pub struct ListDevices {
    /// The last one of the page before.
    pub after: Option<PrincipalId>,
    /// How many at most.
    pub limit: u32,
}

impl<Tx: Devices + ?Sized> Command<Tx> for ListDevices {
    type Permission = permissions::DeviceList;
    type Output = Vec<DeviceRecord>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("devices")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<DeviceRecord>, StoreError> {
        tx.devices(self.after, self.limit).await
    }
}
