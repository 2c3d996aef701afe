//! What was signed last, kept apart from the database.
use std::collections::BTreeMap;

use async_trait::async_trait;
use keepgate_merkle::hash::Hash;

/// Size and root that a checkpoint signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedHead {
    /// The number of leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// A signed state that somebody gave up: the log went on without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abandoned {
    /// The log's name.
    pub origin: String,
    /// What had been signed.
    pub head: SignedHead,
}

/// What a signer remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered {
    /// What was signed last, by the log's name.
    pub heads: BTreeMap<String, SignedHead>,
    /// What was signed of the log of logs and may not have been published.
    pub next: Option<Next>,
}

/// A signed state of the log of logs on its way to be published. Its leaves come from no other table: whoever ends in between
/// appends them again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// The name of the log of logs.
    pub origin: String,
    /// What is signed.
    pub head: SignedHead,
    /// The leaves it adds: names and states of logs.
    pub leaves: Vec<(String, SignedHead)>,
}

/// The signer's own memory of what it signed last, for each log by name. Whoever can change the database must not reach it.
#[async_trait]
pub trait SignedHeads: Send + Sync {
    /// Everything that is remembered.
    ///
    /// # Errors
    /// [`HeadsError`]: nothing is signed without it.
    async fn load(&self) -> Result<Remembered, HeadsError>;

    /// Remembers these states in place of those of the same names, and `next` in place of the one before. On `Ok` a crash of the machine forgets nothing; on `Err` the
    /// former or the new states are remembered. Called before a signature leaves the signer.
    ///
    /// # Errors
    /// [`HeadsError`].
    async fn keep(&self, signed: &[(String, SignedHead)], next: Option<&Next>) -> Result<(), HeadsError>;
}

/// Why the memory of the signer can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HeadsError {
    /// It does not hold what was written: somebody changed it, or the disk did.
    #[error("line {line} of {path} is not the state of a log")]
    Corrupt {
        /// The file.
        path: String,
        /// From 1.
        line: usize,
    },
    /// A system call failed.
    #[error("{path} can't be used")]
    Io {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
