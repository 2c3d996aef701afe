//! A device's name, unit, owner and status.
use keepgate_identity::{DeviceChange, DeviceRecord, Devices, Principals};
use keepgate_kernel::{Entity, Level, PrincipalId, UnitId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, GrantDenied, enlist, permissions, tend};
use keepgate_rbac::{Roles, Units};
use keepgate_store::{StoreError, Transaction};

use super::{
    super::unit::{UnitError, is_name, unit_for},
    device, is_user,
};

/// Changes what is `Some`. Disabling ends every session of the device and the code it may have; its key stays.
#[derive(Debug, Clone)]
pub struct UpdateDevice {
    /// Which.
    pub id: PrincipalId,
    /// The new name: 1 to 200 characters, none of them a control character.
    pub name: Option<String>,
    /// The unit it moves to.
    pub unit: Option<UnitId>,
    /// The user who carries it from now on; `Some(None)`: nobody.
    pub owner: Option<Option<PrincipalId>>,
    /// Whether it may act.
    pub active: Option<bool>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateDeviceError {
    /// There is none, or it was deleted.
    #[error("no such device")]
    NotFound,
    /// The request asks for no change.
    #[error("nothing to change")]
    Nothing,
    /// The name is empty, too long, or holds control characters.
    #[error("a device's name has 1 to 200 characters and no control characters")]
    InvalidName,
    /// There is no such user within the caller's sight.
    #[error("no such user to carry it")]
    OwnerNotFound,
    /// There is no such unit.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// The caller leads no devices there.
    #[error(transparent)]
    Denied(#[from] GrantDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for UpdateDeviceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("device-not-found"),
            Self::Nothing => ErrorKind::Refused("nothing-to-change"),
            Self::InvalidName => ErrorKind::Refused("invalid-name"),
            Self::OwnerNotFound => ErrorKind::Refused("owner-not-found"),
            Self::Unit(error) => error.kind(),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx> Command<Tx> for UpdateDevice
where
    Tx: Transaction + Devices + Principals + Roles + Units + ?Sized,
{
    type Permission = permissions::DeviceUpdate;
    type Output = DeviceRecord;
    type Error = UpdateDeviceError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<DeviceRecord, UpdateDeviceError> {
        let described = DeviceChange {
            name: self.name.clone(),
            owner: self.owner,
        };
        if described == DeviceChange::default() && self.unit.is_none() && self.active.is_none() {
            return Err(UpdateDeviceError::Nothing);
        }
        if self.name.as_deref().is_some_and(|name| !is_name(name)) {
            return Err(UpdateDeviceError::InvalidName);
        }
        let present = device(tx, self.id).await?.ok_or(UpdateDeviceError::NotFound)?;
        let home = present.unit.ok_or(UpdateDeviceError::NotFound)?;
        let reached = tend(proof, self.id, home)?;
        if let Some(Some(owner)) = self.owner
            && !is_user(tx, owner).await?
        {
            return Err(UpdateDeviceError::OwnerNotFound);
        }
        let touched = described == DeviceChange::default() || tx.change_device(&reached, &described).await?;
        let switched = match self.active {
            Some(active) => tx.set_principal_active(&reached, active).await?,
            None => true,
        };
        if !touched || !switched {
            return Err(UpdateDeviceError::NotFound);
        }
        if self.unit.is_some() {
            let unit = unit_for(tx, Level::FieldAgent, self.unit)
                .await?
                .ok_or(UnitError::NotFound)?;
            tx.place_device(enlist(proof, self.id, unit)?).await?;
        }
        device(tx, self.id).await?.ok_or(UpdateDeviceError::NotFound)
    }
}
