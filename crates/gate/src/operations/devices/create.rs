//! A new device.
use keepgate_identity::{Devices, EnrolmentCode, NewDevice, NewEnrolment, NoRandomness, Principals};
use keepgate_kernel::{EnrolmentId, Entity, Level, PrincipalId, PrincipalKind, Timestamp, UnitId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, GrantDenied, enlist, permissions, tend};
use keepgate_rbac::{Roles, Units};
use keepgate_store::{StoreError, Transaction};

use super::{
    super::{
        create_user::ENROLMENT_LIFE,
        unit::{UnitError, is_name, unit_for},
    },
    DeviceCode, is_user,
};

/// Registers a device at level 1 in a unit: a supervisor in its own, admins in any. It enters with a one-time code.
#[derive(Debug, Clone)]
pub struct CreateDevice {
    /// Its id, of kind `device`.
    pub id: PrincipalId,
    /// What people call it: 1 to 200 characters, none of them a control character.
    pub name: String,
    /// Its unit; `None`: the first the caller sees.
    pub unit: Option<UnitId>,
    /// The user who carries it.
    pub owner: Option<PrincipalId>,
    /// The id of the enrolment.
    pub enrolment: EnrolmentId,
    /// The code, made before the transaction.
    pub code: EnrolmentCode,
}

/// The device, and the code to be shown this once.
#[derive(Debug, Clone)]
pub struct DeviceCreated {
    /// The device.
    pub id: PrincipalId,
    /// The code.
    pub code: DeviceCode,
}

/// Why no device was registered.
#[derive(Debug, thiserror::Error)]
pub enum CreateDeviceError {
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

impl CommandError for CreateDeviceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidName => ErrorKind::Refused("invalid-name"),
            Self::OwnerNotFound => ErrorKind::Refused("owner-not-found"),
            Self::Unit(error) => error.kind(),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl CreateDevice {
    /// A device in the first unit, with fresh ids and code.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new(name: String, at: Timestamp) -> Result<Self, NoRandomness> {
        Ok(Self {
            id: PrincipalId::new(PrincipalKind::Device, at),
            name,
            unit: None,
            owner: None,
            enrolment: EnrolmentId::new(at),
            code: EnrolmentCode::random()?,
        })
    }
}

impl<Tx> Command<Tx> for CreateDevice
where
    Tx: Transaction + Devices + Principals + Roles + Units + ?Sized,
{
    type Permission = permissions::DeviceCreate;
    type Output = DeviceCreated;
    type Error = CreateDeviceError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<DeviceCreated, CreateDeviceError> {
        if !is_name(&self.name) {
            return Err(CreateDeviceError::InvalidName);
        }
        let unit = unit_for(tx, Level::FieldAgent, self.unit)
            .await?
            .ok_or(UnitError::NotFound)?;
        let placed = enlist(proof, self.id, unit)?;
        if let Some(owner) = self.owner
            && !is_user(tx, owner).await?
        {
            return Err(CreateDeviceError::OwnerNotFound);
        }
        let new = NewDevice {
            name: self.name.clone(),
            owner: self.owner,
        };
        if !tx.add_device(&placed, &new).await? {
            return Err(StoreError::Conflict.into());
        }
        tx.place_device(placed).await?;
        let expires_at = tx.context().at() + ENROLMENT_LIFE;
        let enrolment = NewEnrolment {
            id: self.enrolment,
            tenant: proof.tenant(),
            principal: self.id,
            hash: self.code.hash(),
            expires_at,
        };
        tx.add_device_code(&tend(proof, self.id, unit)?, &enrolment).await?;
        let code = DeviceCode {
            code: self.code.clone(),
            expires_at,
        };
        Ok(DeviceCreated { id: self.id, code })
    }
}
