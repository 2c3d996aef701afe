//! Envelope encryption: a root key behind a service ([`KeyService`]), a data key for each tenant, stored wrapped by it, and values
//! sealed under a key of their own, derived from that, with the identity of their row as associated data.
//!
//! Who calls it: the doorway, before a command that stores a value runs, and after one that reads it. What can go wrong: a sealed
//! value that was moved, edited or sealed under another key does not open ([`Unopenable`]), and nothing else is said about it.
//!
//! ```
//! use keepgate_crypto_keys::{DataKey, Place, Purpose};
//! use keepgate_kernel::{TenantId, Uuid};
//! let (tenant, purpose, row) = (TenantId::from_uuid(Uuid::nil()), Purpose::Payload, Uuid::nil());
//! let place = Place { tenant, purpose, table: "channels.message", column: "payload", row };
//! let key = DataKey::generate(1)?;
//! let sealed = key.seal(&place, b"secret")?;
//! assert_eq!(key.open(&place, &sealed)?.as_slice(), b"secret");
//! assert!(key.open(&Place { column: "text", ..place }, &sealed).is_err(), "another column's");
//! # Ok::<(), keepgate_crypto_keys::CryptoError>(())
//! ```
mod aead;
mod data_key;
mod ensure;
mod instance;
mod kek;
mod key_file;
mod list_keys;
mod local;
mod log_keys;
mod memory;
mod memory_keys;
mod patient;
mod ports;
#[cfg(feature = "postgres")]
mod postgres;
mod purpose;
mod record;
mod recovery;
mod reseal;
pub mod rewrap;
mod secret_store;
mod service;
mod signing;
mod subject;
mod succession;
#[cfg(feature = "testing")]
pub mod testing;
mod turn_keys;
mod wrap;

pub use aead::{CryptoError, Unopenable, random_secret};
pub use data_key::{DataKey, Place, sealed_version};
pub use ensure::{EnsureDataKey, EnsureKeyError};
pub use instance::InstanceKey;
#[cfg(feature = "postgres")]
pub use instance::{instance_key, keep_instance_key};
use kek::Kek;
pub use kek::Wrapped;
pub use key_file::{KeyFile, KeyFileError};
pub use list_keys::ListKeys;
pub use log_keys::{
    ListLogKeys, LogKeyRing, LogKeyState, LogKeyTurn, LogKind, NewLogKey, RotateLogKey, RotateLogKeyError,
    put_first_log_key,
};
#[cfg(feature = "postgres")]
pub use log_keys::{OpenLogKey, destroy_ended_log_keys, log_key_generation, log_signing_keys};
pub use memory_keys::MemoryKeys;
pub use patient::{Health, Patient};
pub use ports::{DataKeys, EndProof, EndedKey, KeyState, KeyStates, StoredKey};
pub use purpose::Purpose;
pub use recovery::{BadRecoveryKey, RecoveryKey, RecoverySecret, generate_recovery_key};
pub use reseal::{Replacement, ResealError, ResealValues, Reseals, SealedKind, SealedRow, Walk, WalkPhase, Walked};
pub use secret_store::{LARGEST_SECRET, MemorySecrets, Secret, SecretError, SecretStore};
pub use service::{KeyContext, KeyService, KeyServiceError, RootKey, RootState, RootVersion};
pub use signing::{SigningPurpose, SigningSeed};
pub use subject::{SubjectDek, SubjectOwner};
pub use succession::Succession;
pub use turn_keys::{EndDataKey, KeepDataKey, RotateDataKey, TurnKeyError};
pub use wrap::subject_version;
