//! The beginning of the end of a data key.
use keepgate_crypto_keys::{KeyState, KeyStates};
use keepgate_kernel::Entity;
use keepgate_policy::{ApprovalDenied, Authorized, Command, CommandError, ErrorKind, Matter, permissions};
use keepgate_rbac::Approvals;
use keepgate_store::{StoreError, Transaction};

use super::consent::consent;

/// Marks a data key for destruction, because an owner and a second person want it: nothing more is sealed under it, what was sealed
/// opens until it is destroyed, seven days later at the earliest.
#[derive(Debug, Clone, Copy)]
pub struct DestroyKey {
    /// Its number within the tenant, from 1.
    pub version: i32,
}

/// Why the key goes on.
#[derive(Debug, thiserror::Error)]
pub enum DestroyKeyError {
    /// There is no such key.
    #[error("no such key")]
    NotFound,
    /// It is marked already.
    #[error("the key is marked for destruction already")]
    Pending,
    /// Two people have not agreed on it.
    #[error(transparent)]
    Unapproved(#[from] ApprovalDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for DestroyKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("key-not-found"),
            Self::Pending => ErrorKind::Refused("key-pending-destruction"),
            Self::Unapproved(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Approvals + KeyStates + ?Sized> Command<Tx> for DestroyKey {
    type Permission = permissions::KeyDestroy;
    type Output = KeyState;
    type Error = DestroyKeyError;

    fn entity(&self) -> Entity {
        Entity::named("data-key", &self.version.to_string())
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<KeyState, DestroyKeyError> {
        if key(tx, self.version).await?.destroy_after.is_some() {
            return Err(DestroyKeyError::Pending);
        }
        let matter = Matter::DestroyKey { version: self.version };
        let agreed = consent(proof, tx, &matter).await??;
        if !tx.condemn_key(&agreed).await? {
            return Err(DestroyKeyError::Pending);
        }
        key(tx, self.version).await
    }
}

async fn key<Tx: KeyStates + ?Sized>(tx: &mut Tx, version: i32) -> Result<KeyState, DestroyKeyError> {
    let keys = tx.key_states().await?;
    keys.into_iter()
        .find(|key| key.version == version)
        .ok_or(DestroyKeyError::NotFound)
}
