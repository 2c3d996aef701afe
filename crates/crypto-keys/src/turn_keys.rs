//! What becomes of a tenant's data keys: the next version, the way back from an end that was begun, and the end.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{DataKeys, EndProof, KeyState, KeyStates, StoredKey};

/// Stores the next version of the tenant's key. From now on it seals, on every instance within ten seconds; older versions open.
#[derive(Debug)]
pub struct RotateDataKey {
    /// The next version, freshly made and wrapped.
    pub next: StoredKey,
}

/// Takes back the end of a key, while the days of grace last.
#[derive(Debug, Clone, Copy)]
pub struct KeepDataKey {
    /// Its number within the tenant, from 1.
    pub version: i32,
}

/// Ends a key for good: no copy of it is left in the store. Yields whether there was one.
#[derive(Debug, Clone, Copy)]
pub struct EndDataKey {
    /// Its number within the tenant, from 1.
    pub version: i32,
    /// Its end is on record outside, and this store is older than that: without regard to the days of grace.
    pub proof: Option<EndProof>,
}

/// Why a key stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum TurnKeyError {
    /// Somebody else was faster.
    #[error("the key was rotated meanwhile")]
    Overtaken,
    /// There is no such key.
    #[error("no such key")]
    NotFound,
    /// It is not marked, or gone.
    #[error("the key is not marked for destruction, or gone already")]
    NotPending,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for TurnKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Overtaken => ErrorKind::Refused("key-rotated-meanwhile"),
            Self::NotFound => ErrorKind::Refused("key-not-found"),
            Self::NotPending => ErrorKind::Refused("key-not-pending"),
            Self::Store(error) => error.kind(),
        }
    }
}

fn named(version: i32) -> Entity {
    Entity::named("data-key", &version.to_string())
}

async fn state<Tx: KeyStates + ?Sized>(tx: &mut Tx, version: i32) -> Result<KeyState, TurnKeyError> {
    let keys = tx.key_states().await?;
    keys.into_iter()
        .find(|key| key.version == version)
        .ok_or(TurnKeyError::NotFound)
}

impl<Tx: KeyStates + ?Sized> Command<Tx> for RotateDataKey {
    type Permission = permissions::KeyRotate;
    type Output = KeyState;
    type Error = TurnKeyError;

    fn entity(&self) -> Entity {
        named(self.next.version)
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<KeyState, TurnKeyError> {
        if !tx.rotate_data_key(&self.next).await? {
            return Err(TurnKeyError::Overtaken);
        }
        state(tx, self.next.version).await
    }
}

impl<Tx: KeyStates + ?Sized> Command<Tx> for KeepDataKey {
    type Permission = permissions::KeyKeep;
    type Output = KeyState;
    type Error = TurnKeyError;

    fn entity(&self) -> Entity {
        named(self.version)
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<KeyState, TurnKeyError> {
        state(tx, self.version).await?;
        if !tx.keep_data_key(self.version).await? {
            return Err(TurnKeyError::NotPending);
        }
        state(tx, self.version).await
    }
}

impl<Tx: DataKeys + ?Sized> Command<Tx> for EndDataKey {
    type Permission = permissions::KeyDestroyed;
    type Output = bool;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        named(self.version)
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<bool, StoreError> {
        tx.end_data_key(self.version, self.proof.as_ref()).await
    }
}
