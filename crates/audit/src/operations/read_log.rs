//! Operation: read the log as a C2SP tiled log.
use keepgate_kernel::Entity;
use keepgate_merkle::tile::{TileKind, TilePath};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions::AuditLog};
use keepgate_store::StoreError;

use crate::{
    AuditReader, LogInfo, SignedCheckpoint,
    archive::{Archives, archive_of},
};

/// Returns one file of the log (`c2sp.org/tlog-tiles`).
#[derive(Debug, Clone, Copy)]
pub struct ReadLog {
    /// Which one.
    pub part: LogPart,
}

/// A file of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogPart {
    /// The latest checkpoint.
    Checkpoint,
    /// The latest checkpoint that met the quorum of witnesses.
    Witnessed,
    /// A hash tile or an entry bundle.
    Tile(TilePath),
    /// What the log is called; the key of that name is the key store's to tell.
    Info,
}

/// What it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogContent {
    /// The signed note.
    Checkpoint(SignedCheckpoint),
    /// The bytes of the tile or bundle. They never change.
    Tile(Vec<u8>),
    /// Name and length.
    Info(LogInfo),
}

/// Why there is no such file.
#[derive(Debug, thiserror::Error)]
pub enum ReadLogError {
    /// The log does not reach that far, or there is none yet.
    #[error("the log has no such part")]
    NotFound,
    /// The entries are in an archive only; its name.
    #[error("the entries are in archive {0}")]
    Pruned(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ReadLogError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("no-such-part"),
            Self::Pruned(_) => ErrorKind::Refused("pruned"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: AuditReader + Archives + ?Sized> Command<Tx> for ReadLog {
    type Permission = AuditLog;
    type Output = LogContent;
    type Error = ReadLogError;

    fn entity(&self) -> Entity {
        match self.part {
            LogPart::Checkpoint => Entity::named("log", "checkpoint"),
            LogPart::Witnessed => Entity::named("log", "witnessed"),
            LogPart::Tile(path) => Entity::named("log", &path.to_string()),
            LogPart::Info => Entity::named("log", "vkey"),
        }
    }

    async fn run(&self, _proof: &Authorized<AuditLog>, tx: &mut Tx) -> Result<LogContent, ReadLogError> {
        let content = match self.part {
            LogPart::Checkpoint => tx.checkpoint(None).await?.map(LogContent::Checkpoint),
            LogPart::Witnessed => tx.witnessed().await?.map(LogContent::Checkpoint),
            LogPart::Tile(path) => tx.tile(&path).await?.map(LogContent::Tile),
            LogPart::Info => tx.log_info().await?.map(LogContent::Info),
        };
        match (content, self.part) {
            (Some(content), _) => Ok(content),
            (None, LogPart::Tile(path)) if path.kind() == TileKind::Entries => {
                let archive = archive_of(tx, path.first_leaf().unwrap_or(u64::MAX)).await?;
                Err(archive.map_or(ReadLogError::NotFound, ReadLogError::Pruned))
            }
            (None, _) => Err(ReadLogError::NotFound),
        }
    }
}
