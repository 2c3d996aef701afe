//! How a call through the doorway ends.
use keepgate_audit::Receipt;
use keepgate_policy::{CommandError, Denied, ErrorKind};
use keepgate_store::StoreError;

/// A successful operation and the receipt of its audit entry.
#[derive(Debug)]
pub struct Done<O> {
    /// What the command yielded.
    pub output: O,
    /// The entry that was committed with it.
    pub receipt: Receipt,
}

/// An operation that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Failure<E: CommandError> {
    /// The policy said no.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The command refused or failed.
    #[error(transparent)]
    Command(E),
    /// The transaction could not begin, log or commit.
    #[error("the operation could not be completed")]
    Store(#[source] StoreError),
    /// The idempotency key has been used for another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
}

impl<E: CommandError> Failure<E> {
    /// Refusal, conflict or failure, whatever its origin.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Command(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::KeyReused => ErrorKind::Refused("idempotency-key-reused"),
        }
    }
}
