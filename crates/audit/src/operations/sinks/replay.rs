//! Operation: send a sink records again.
use keepgate_kernel::{Entity, SinkId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{
    AuditReader,
    archive::{Archives, archive_of},
    operations::sinks::ShownSink,
    sink::Sinks,
};

/// What is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// Everything from this index on; a later one than the sink's place leaves records out.
    From(u64),
    /// Every dead letter, once more.
    DeadLetters,
}

/// Sends a sink records again. Receivers know them by their index.
#[derive(Debug, Clone, Copy)]
pub struct ReplaySink {
    /// Which.
    pub id: SinkId,
    /// What.
    pub replay: Replay,
}

/// Why nothing is sent again.
#[derive(Debug, thiserror::Error)]
pub enum ReplaySinkError {
    /// There is no such sink.
    #[error("there is no such sink")]
    Unknown,
    /// The index is beyond the end.
    #[error("the log does not reach so far")]
    BeyondEnd,
    /// Records from there on are in an archive only; its name.
    #[error("the entries are in archive {0}")]
    Pruned(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ReplaySinkError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-sink"),
            Self::BeyondEnd => ErrorKind::Refused("beyond-the-log"),
            Self::Pruned(_) => ErrorKind::Refused("pruned"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Sinks + AuditReader + Archives + ?Sized> Command<Tx> for ReplaySink {
    type Permission = permissions::SinkReplay;
    type Output = ShownSink;
    type Error = ReplaySinkError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<ShownSink, ReplaySinkError> {
        tx.sink(self.id).await?.ok_or(ReplaySinkError::Unknown)?;
        let size = tx.checkpoint(None).await?.map_or(0, |checkpoint| checkpoint.size);
        match self.replay {
            Replay::From(index) => {
                if index > size {
                    return Err(ReplaySinkError::BeyondEnd);
                }
                if let Some(archive) = archive_of(tx, index).await? {
                    return Err(ReplaySinkError::Pruned(archive));
                }
                tx.rewind_sink(self.id, index).await?;
            }
            Replay::DeadLetters => {
                tx.retry_dead_letters(self.id).await?;
            }
        }
        let sink = tx.sink(self.id).await?.ok_or(ReplaySinkError::Unknown)?;
        Ok(ShownSink { sink, size })
    }
}
