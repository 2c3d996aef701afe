//! The logs as whoever asks witnesses sees them.
use async_trait::async_trait;
use keepgate_kernel::{TenantId, Uuid};
use keepgate_merkle::{
    hash::Hash,
    note::{Note, NoteSignature},
};
use keepgate_store::StoreError;

use super::{Alarm, AlarmKind};

/// Stands for the log of logs where a tenant's id stands for its log.
pub const META_LOG: TenantId = TenantId::from_uuid(Uuid::nil());

/// The latest checkpoint of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogCheckpoint {
    /// Whose log; [`META_LOG`] for the log of logs.
    pub tenant: TenantId,
    /// Its name.
    pub origin: String,
    /// How many leaves the checkpoint covers.
    pub size: u64,
    /// Their root.
    pub root: Hash,
    /// The checkpoint as the log signed it, without cosignatures.
    pub note: Note,
}

/// Checkpoints of all tenants, and what witnesses said about them. Everything kept is kept for good.
#[async_trait]
pub trait CosignedLogs: Send + Sync {
    /// The latest checkpoint of each log whose name is in `origins`, and that of the log of logs in any case; a log that
    /// does not exist or is empty is left out.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a checkpoint that can't be read.
    async fn latest(&self, origins: &[String]) -> Result<Vec<LogCheckpoint>, StoreError>;

    /// The proof that the log of `second` leaves grew out of the log of `first`, from the stored hashes; `None` unless
    /// 0 < `first` <= `second` and the log has `second` leaves.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a hash is missing.
    async fn consistency(&self, tenant: TenantId, first: u64, second: u64) -> Result<Option<Vec<Hash>>, StoreError>;

    /// The largest size that `cosigner` (`name+id`) has cosigned of `tenant`'s log; 0 if none.
    async fn cosigned_size(&self, tenant: TenantId, cosigner: &str) -> Result<u64, StoreError>;

    /// The cosignatures kept of a checkpoint of this size and root, the latest of each cosigner.
    async fn cosignatures(&self, of: &LogCheckpoint) -> Result<Vec<NoteSignature>, StoreError>;

    /// Keeps cosignatures of a checkpoint. From now on [`crate::AuditReader::checkpoint`] shows them.
    async fn put_cosignatures(&self, of: &LogCheckpoint, lines: &[NoteSignature]) -> Result<(), StoreError>;

    /// Remembers that the cosignatures kept of a checkpoint meet the quorum: [`crate::AuditReader::witnessed`].
    async fn put_witnessed(&self, of: &LogCheckpoint) -> Result<(), StoreError>;

    /// Whether this alarm was told already: same log, witness, kind and size.
    async fn is_told(&self, tenant: TenantId, alarm: &Alarm) -> Result<bool, StoreError>;
}

/// How a cosigner is called in the store: `name+id`, as in its verifier key.
pub(crate) fn cosigner_of(line: &NoteSignature) -> String {
    format!("{}+{}", line.name(), line.id())
}

/// The signature lines `lines`, made over the note whose text is `text`.
#[cfg(feature = "postgres")]
pub(crate) fn lines_of(text: &str, lines: &str) -> Result<Vec<NoteSignature>, StoreError> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let note = Note::parse(format!("{text}\n{lines}").as_bytes());
    let note = note.map_err(|_| StoreError::corrupt("audit.cosignature", "line"))?;
    Ok(note.signatures().to_vec())
}

/// What two alarms must share to be the same.
pub(crate) fn same(alarm: &Alarm) -> (String, AlarmKind, u64) {
    (alarm.witness.clone(), alarm.kind, alarm.told)
}
