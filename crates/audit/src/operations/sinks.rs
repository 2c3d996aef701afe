//! Operations on sinks.
mod create;
mod delete;
mod list;
mod read;
mod replay;
mod test;
mod turn;
mod update;

pub use create::{CreateSink, CreateSinkError};
pub use delete::DeleteSink;
pub use list::{ListSinks, ListedSinks};
pub use read::{ListDeadLetters, ReadSink, ShownSink};
pub use replay::{Replay, ReplaySink, ReplaySinkError};
pub use test::TestSink;
pub use turn::{TurnSink, TurnSinkError};
pub use update::{SinkChange, UpdateSink, UpdateSinkError};

use keepgate_policy::{CommandError, ErrorKind};
use keepgate_store::StoreError;

/// Why an operation on a sink did not happen.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// There is none.
    #[error("there is no such sink")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for SinkError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-sink"),
            Self::Store(error) => error.kind(),
        }
    }
}
