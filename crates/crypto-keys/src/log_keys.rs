//! The keys that sign the checkpoints of logs: one after another, two at a time while one follows the other.
use async_trait::async_trait;
use keepgate_kernel::{Entity, Timestamp};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::Wrapped;

mod memory;
#[cfg(feature = "postgres")]
mod postgres;

pub use memory::put_first_log_key;
#[cfg(feature = "postgres")]
pub use postgres::{OpenLogKey, destroy_ended_log_keys, log_key_generation, log_signing_keys};

/// Which log a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogKind {
    /// That of a tenant.
    Own,
    /// The log of logs, whose leaves are the tenants' checkpoints.
    Meta,
}

/// What people see of a key: never the seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKeyState {
    /// Which log it signs.
    pub log: LogKind,
    /// The log's name, once it has one.
    pub origin: Option<String>,
    /// Its number, from 1.
    pub version: i32,
    /// The Ed25519 public key (RFC 8032), once it has signed. Kept for ever: old checkpoints verify with it.
    pub public: Option<[u8; 32]>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it signs beside its successor; `None` for the newest one.
    pub signs_until: Option<Timestamp>,
    /// When its seed was destroyed.
    pub destroyed_at: Option<Timestamp>,
}

/// A key made outside of the transaction.
#[derive(Debug, Clone)]
pub struct NewLogKey {
    /// The Ed25519 public key.
    pub public: [u8; 32],
    /// The seed, wrapped for its tenant and this public key.
    pub wrapped: Wrapped,
}

/// What became of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKeyTurn {
    /// The new key signs.
    Turned,
    /// Two keys sign already.
    Overlap,
    /// Nothing was ever signed.
    None,
}

/// The keys of the caller's log and of the log of logs. Levels 4, 5 and 7 see them; an owner (5) or a global admin (7) moves those of
/// its own tenant on, a global admin also those of the log of logs, within five minutes of a log-in and without a hat. For everybody
/// else there are none.
#[async_trait]
pub trait LogKeyRing: Send {
    /// The own log's keys, newest first, then those of the log of logs, newest first.
    async fn log_keys(&mut self) -> Result<Vec<LogKeyState>, StoreError>;

    /// Makes `fresh` the key that signs. The former one signs beside it for seven more days; in an emergency, as when it was stolen, not
    /// at all, and an overlap under way is no hindrance.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] to whoever may not.
    async fn rotate_log_key(
        &mut self,
        log: LogKind,
        fresh: &NewLogKey,
        emergency: bool,
    ) -> Result<LogKeyTurn, StoreError>;
}

/// Lists the keys.
#[derive(Debug, Clone, Copy)]
pub struct ListLogKeys;

impl<Tx: LogKeyRing + ?Sized> Command<Tx> for ListLogKeys {
    type Permission = permissions::LogKeyList;
    type Output = Vec<LogKeyState>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("log-keys")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<LogKeyState>, StoreError> {
        tx.log_keys().await
    }
}

/// Moves a log to a new key.
#[derive(Debug, Clone)]
pub struct RotateLogKey {
    /// Which log.
    pub log: LogKind,
    /// The key, made before the transaction.
    pub fresh: NewLogKey,
    /// Whether the former key ceases to sign at once.
    pub emergency: bool,
}

/// Why nothing moved.
#[derive(Debug, thiserror::Error)]
pub enum RotateLogKeyError {
    /// The former rotation's overlap is not over.
    #[error("two keys sign already; an emergency does not wait")]
    Overlap,
    /// No checkpoint was signed yet.
    #[error("the log has not been signed yet")]
    Unsigned,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RotateLogKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Overlap => ErrorKind::Refused("log-key-overlap"),
            Self::Unsigned => ErrorKind::Refused("log-unsigned"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: LogKeyRing + ?Sized> Command<Tx> for RotateLogKey {
    type Permission = permissions::LogKeyRotate;
    type Output = Vec<LogKeyState>;
    type Error = RotateLogKeyError;

    fn entity(&self) -> Entity {
        let log = match self.log {
            LogKind::Own => "own",
            LogKind::Meta => "meta",
        };
        Entity::named("log-key", log)
    }

    async fn run(
        &self,
        _proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<Vec<LogKeyState>, RotateLogKeyError> {
        match tx.rotate_log_key(self.log, &self.fresh, self.emergency).await? {
            LogKeyTurn::Turned => Ok(tx.log_keys().await?),
            LogKeyTurn::Overlap => Err(RotateLogKeyError::Overlap),
            LogKeyTurn::None => Err(RotateLogKeyError::Unsigned),
        }
    }
}
