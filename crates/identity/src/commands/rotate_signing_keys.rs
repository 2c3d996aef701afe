//! Moving the keys that sign tokens on.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{NewSigningKey, SigningKey, SigningKeys, Turn};

/// Publishes a pending key where there is none; otherwise the pending one signs from now on, if it has been published for 24 hours.
/// In an emergency it signs at once, a new one if none was pending. The former key verifies what it signed until that has ended.
#[derive(Debug, Clone)]
pub struct RotateSigningKeys {
    /// A key made before the transaction, in case none is pending.
    pub fresh: NewSigningKey,
    /// Whether not to wait.
    pub emergency: bool,
}

/// Why nothing moved.
#[derive(Debug, thiserror::Error)]
pub enum RotateSigningKeysError {
    /// The pending key was published less than 24 hours ago.
    #[error("the pending key has not been published for 24 hours; an emergency does not wait")]
    TooYoung,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RotateSigningKeysError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooYoung => ErrorKind::Refused("signing-key-too-young"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: SigningKeys + ?Sized> Command<Tx> for RotateSigningKeys {
    type Permission = permissions::SigningKeyRotate;
    type Output = Vec<SigningKey>;
    type Error = RotateSigningKeysError;

    fn entity(&self) -> Entity {
        Entity::collection("signing-keys")
    }

    async fn run(
        &self,
        _proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<Vec<SigningKey>, RotateSigningKeysError> {
        match tx.turn_signing_keys(self.emergency).await? {
            Turn::Turned(_) => {}
            Turn::Young => return Err(RotateSigningKeysError::TooYoung),
            Turn::None => {
                if !tx.add_signing_key(&self.fresh, false).await? {
                    return Err(StoreError::Conflict.into());
                }
                if self.emergency {
                    tx.turn_signing_keys(true).await?;
                }
            }
        }
        Ok(tx.signing_keys().await?)
    }
}
