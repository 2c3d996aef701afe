//! What a witness remembers.

use std::io;

use keepgate_merkle::note::Note;

/// How many contradictions are kept for each log. The first ones say everything.
pub const MAX_EVIDENCE: usize = 64;

/// Decides, knowing the last cosigned checkpoint, what takes its place; `None`: nothing does.
pub type Decide<'a> = &'a mut dyn FnMut(Option<&Note>) -> Option<Note>;

/// The last cosigned checkpoint of each log, and what contradicted it.
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Calls `decide` while nobody else decides about `origin`, and keeps what it returns before this returns: on `Ok`, a crash of
    /// the machine forgets nothing. On `Err`, the former or the new checkpoint is the last one.
    ///
    /// # Errors
    /// [`StoreError`]; `decide` may have been called or not.
    fn update(&self, origin: &str, decide: Decide<'_>) -> Result<(), StoreError>;

    /// The last cosigned checkpoint.
    ///
    /// # Errors
    /// [`StoreError`].
    fn latest(&self, origin: &str) -> Result<Option<Note>, StoreError>;

    /// Keeps a request that contradicts the last checkpoint, once, up to [`MAX_EVIDENCE`] of each log.
    ///
    /// # Errors
    /// [`StoreError`].
    fn keep(&self, origin: &str, request: &[u8]) -> Result<(), StoreError>;

    /// The contradictions of a log.
    ///
    /// # Errors
    /// [`StoreError`].
    fn evidence(&self, origin: &str) -> Result<Vec<Vec<u8>>, StoreError>;
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process uses it.
    #[error("another witness uses {0}")]
    InUse(String),
    /// What is kept of a log is no checkpoint: somebody changed it.
    #[error("{0} does not hold a checkpoint any more")]
    Corrupt(String),
    /// A system call failed.
    #[error("{what} failed")]
    Io {
        /// Which file, and what was done with it.
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}
