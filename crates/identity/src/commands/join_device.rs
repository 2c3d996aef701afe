//! A device enters for the first time, or with a new key.
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::{CodeHash, DeviceKey, DeviceKeys};

/// Uses a device's one-time code up and puts its key on record, in place of any before. [`crate::FrontDesk::join_device`] makes it.
#[derive(Debug)]
pub struct JoinDevice {
    /// `None`: the code can't be used, and the attempt is only told to the audit log.
    ticket: Option<(PrincipalId, CodeHash, DeviceKey)>,
}

/// Why no device joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinDeviceError {
    /// Unknown, used, past its end, or its device may not act: nobody learns which.
    #[error("the enrolment code is not valid")]
    InvalidCode,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for JoinDeviceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidCode => ErrorKind::Refused("invalid-enrolment-code"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl JoinDevice {
    pub(crate) const fn new(device: PrincipalId, code: CodeHash, key: DeviceKey) -> Self {
        Self {
            ticket: Some((device, code, key)),
        }
    }

    pub(crate) const fn unknown() -> Self {
        Self { ticket: None }
    }

    /// Whose code it is, as far as known: the actor of the audit entry.
    #[must_use]
    pub fn actor(&self) -> Option<PrincipalId> {
        self.ticket.as_ref().map(|(device, ..)| *device)
    }
}

impl<Tx: Transaction + DeviceKeys + ?Sized> Command<Tx> for JoinDevice {
    type Permission = permissions::DeviceJoin;
    type Output = PrincipalId;
    type Error = JoinDeviceError;

    fn entity(&self) -> Entity {
        self.actor().map_or_else(|| Entity::collection("devices"), Entity::from)
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<PrincipalId, JoinDeviceError> {
        let (_, code, key) = self.ticket.as_ref().ok_or(JoinDeviceError::InvalidCode)?;
        tx.join_device(code, key).await?.ok_or(JoinDeviceError::InvalidCode)
    }
}
