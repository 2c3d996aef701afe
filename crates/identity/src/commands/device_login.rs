//! Logging in as a device.
use std::time::Duration;

use keepgate_kernel::{Entity, PrincipalId, SessionId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, Factors, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::{DeviceKey, DeviceKeys, LoggedIn, NewSession, SESSION_LIFE, Sessions};

/// Opens the session that a challenge names, once, for the device that has signed it. [`crate::FrontDesk::device_login`] makes it;
/// failed attempts are commands too, so that the audit log tells them.
#[derive(Debug)]
pub struct DeviceLogin(Attempt);

#[derive(Debug)]
enum Attempt {
    Proven(Signed),
    Wrong(Option<PrincipalId>),
    Locked(Duration),
}

#[derive(Debug)]
struct Signed {
    device: PrincipalId,
    session: SessionId,
    /// What the signature was verified with.
    key: DeviceKey,
}

/// Why no device was logged in.
#[derive(Debug, thiserror::Error)]
pub enum DeviceLoginError {
    /// Unknown device, wrong signature, a challenge that is foreign, late or used: nobody learns which.
    #[error("the device, the challenge or the signature is not valid")]
    InvalidCredentials,
    /// Too many failures; the signature was not looked at.
    #[error("too many failed attempts")]
    LockedOut {
        /// When to try again.
        retry_after: Duration,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for DeviceLoginError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidCredentials => ErrorKind::Refused("invalid-credentials"),
            Self::LockedOut { .. } => ErrorKind::Refused("locked-out"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl DeviceLogin {
    pub(crate) const fn proven(session: SessionId, device: PrincipalId, key: DeviceKey) -> Self {
        Self(Attempt::Proven(Signed { device, session, key }))
    }

    pub(crate) const fn wrong(device: Option<PrincipalId>) -> Self {
        Self(Attempt::Wrong(device))
    }

    pub(crate) const fn locked(retry_after: Duration) -> Self {
        Self(Attempt::Locked(retry_after))
    }

    /// Which device it is about, as far as known: the actor of the audit entry.
    #[must_use]
    pub const fn actor(&self) -> Option<PrincipalId> {
        match &self.0 {
            Attempt::Proven(signed) => Some(signed.device),
            Attempt::Wrong(device) => *device,
            Attempt::Locked(_) => None,
        }
    }
}

impl<Tx: Transaction + DeviceKeys + Sessions + ?Sized> Command<Tx> for DeviceLogin {
    type Permission = permissions::AuthDevice;
    type Output = LoggedIn;
    type Error = DeviceLoginError;

    fn entity(&self) -> Entity {
        match &self.0 {
            Attempt::Proven(signed) => signed.session.into(),
            Attempt::Wrong(Some(device)) => (*device).into(),
            Attempt::Wrong(None) | Attempt::Locked(_) => Entity::collection("devices"),
        }
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<LoggedIn, DeviceLoginError> {
        let Signed { device, session, key } = match &self.0 {
            Attempt::Proven(signed) => signed,
            Attempt::Wrong(_) => return Err(DeviceLoginError::InvalidCredentials),
            Attempt::Locked(retry_after) => {
                return Err(DeviceLoginError::LockedOut {
                    retry_after: *retry_after,
                });
            }
        };
        // The device may have brought another key, or been disabled, while the signature was verified.
        if tx.device_key(*device).await?.as_ref() != Some(key) {
            return Err(DeviceLoginError::InvalidCredentials);
        }
        let new = NewSession {
            factors: Factors::One,
            id: *session,
            principal: *device,
            expires_at: tx.context().at() + SESSION_LIFE,
        };
        match tx.open_session(&new).await {
            Err(StoreError::Forbidden) => Err(DeviceLoginError::InvalidCredentials),
            other => Ok(other?),
        }
    }
}
