//! A new one-time code for a device.
use keepgate_identity::{Devices, EnrolmentCode, NewEnrolment, NoRandomness, PrincipalStatus};
use keepgate_kernel::{EnrolmentId, Entity, PrincipalId, Timestamp};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, GrantDenied, permissions, tend};
use keepgate_store::{StoreError, Transaction};

use super::{super::create_user::ENROLMENT_LIFE, DeviceCode, device};

/// Makes a code with which a device enters, for the first time or with a new key. An earlier code is worth nothing from then on; the
/// key it has stays until the code is used.
#[derive(Debug, Clone)]
pub struct EnrolDevice {
    /// Which.
    pub id: PrincipalId,
    /// The id of the enrolment.
    pub enrolment: EnrolmentId,
    /// The code, made before the transaction.
    pub code: EnrolmentCode,
}

/// Why no code was made.
#[derive(Debug, thiserror::Error)]
pub enum EnrolDeviceError {
    /// There is none, or it was deleted.
    #[error("no such device")]
    NotFound,
    /// It is disabled.
    #[error("the device is disabled")]
    Disabled,
    /// The caller does not lead it.
    #[error(transparent)]
    Denied(#[from] GrantDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for EnrolDeviceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("device-not-found"),
            Self::Disabled => ErrorKind::Refused("device-disabled"),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl EnrolDevice {
    /// A fresh code for `id`.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new(id: PrincipalId, at: Timestamp) -> Result<Self, NoRandomness> {
        Ok(Self {
            id,
            enrolment: EnrolmentId::new(at),
            code: EnrolmentCode::random()?,
        })
    }
}

impl<Tx: Transaction + Devices + ?Sized> Command<Tx> for EnrolDevice {
    type Permission = permissions::DeviceEnrol;
    type Output = DeviceCode;
    type Error = EnrolDeviceError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<DeviceCode, EnrolDeviceError> {
        let present = device(tx, self.id).await?.ok_or(EnrolDeviceError::NotFound)?;
        let unit = present.unit.ok_or(EnrolDeviceError::NotFound)?;
        let reached = tend(proof, self.id, unit)?;
        if present.status != PrincipalStatus::Active {
            return Err(EnrolDeviceError::Disabled);
        }
        let expires_at = tx.context().at() + ENROLMENT_LIFE;
        let enrolment = NewEnrolment {
            id: self.enrolment,
            tenant: proof.tenant(),
            principal: self.id,
            hash: self.code.hash(),
            expires_at,
        };
        tx.add_device_code(&reached, &enrolment).await?;
        Ok(DeviceCode {
            code: self.code.clone(),
            expires_at,
        })
    }
}
