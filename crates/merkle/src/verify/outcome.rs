//! How a check ends.

use crate::checkpoint::OpenCheckpoint;
use crate::hash::Hash;
use crate::tile::TilePath;

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome<E> {
    /// Every entry is the one that was logged.
    Verified(Verified),
    /// Something was changed.
    Tampered(Tampered),
    /// Nothing wrong was found so far, but not everything could be read: nothing is proved.
    Incomplete(Incomplete<E>),
}

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The name of the log.
    pub origin: String,
    /// The number of entries, all of them checked.
    pub size: u64,
    /// The root over them, as signed.
    pub root: Hash,
    /// The size of the older checkpoint whose tree this one extends, if one was given.
    pub since: Option<u64>,
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Tampered {
    /// The first leaf that is wrong or may be wrong, if the damage can be placed. The reason says how closely.
    pub index: Option<u64>,
    /// What is wrong.
    pub reason: TamperReason,
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TamperReason {
    /// The checkpoint can't be trusted.
    #[error("the checkpoint can't be trusted: {}", explain(.0))]
    Checkpoint(OpenCheckpoint),
    /// The older checkpoint can't be trusted, so nothing can be compared with it.
    #[error("the older checkpoint can't be trusted: {}", explain(.0))]
    Since(OpenCheckpoint),
    /// The log is shorter than it was: entries at its end were removed.
    #[error("the log had {since} entries and now has {size}: the last ones were removed")]
    Shrank {
        /// The size the older checkpoint tells.
        since: u64,
        /// The size now.
        size: u64,
    },
    /// Entry and stored leaf hash disagree: one of them was changed.
    #[error("the entry does not have the hash that tile {tile} tells")]
    Entry {
        /// The level 0 tile.
        tile: TilePath,
    },
    /// The entry bundle ends before this entry, or inside it.
    #[error("the entry is missing from bundle {bundle}")]
    MissingEntry {
        /// The entry bundle.
        bundle: TilePath,
    },
    /// The entry bundle goes on after the last entry it should hold, which is the one named.
    #[error("bundle {bundle} goes on after its last entry")]
    ExtraEntry {
        /// The entry bundle.
        bundle: TilePath,
    },
    /// A hash of an upper tile is not the root over the leaves below it.
    #[error("hash {position} of tile {tile} is not the root over leaves {first} to {last}")]
    Node {
        /// The tile.
        tile: TilePath,
        /// The position of the hash in the tile.
        position: u64,
        /// The first leaf below the hash.
        first: u64,
        /// The last leaf below the hash.
        last: u64,
    },
    /// A hash tile ends before a hash it should hold.
    #[error("tile {tile} ends before its hash {position}")]
    MissingHash {
        /// The tile.
        tile: TilePath,
        /// The position of the hash in the tile.
        position: u64,
    },
    /// A hash tile is longer than its hashes.
    #[error("tile {tile} goes on after its last hash")]
    ExtraHash {
        /// The tile.
        tile: TilePath,
    },
    /// The entries do not give the older root: an entry before that size was changed since.
    #[error("the first {since} entries are not those the older checkpoint signed")]
    RewrittenHistory {
        /// The size the older checkpoint tells.
        since: u64,
    },
    /// The entries do not give the signed root: entries and tiles were changed together, or the root was.
    #[error("the entries do not give the root that the checkpoint signs")]
    Root,
    /// The observer refused an entry's content; in its words.
    #[error("{0}")]
    Content(String),
}

/// What could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tile {tile} could not be read after {checked} entries")]
pub struct Incomplete<E> {
    /// How many entries had been checked against the tiles.
    pub checked: u64,
    /// The tile that is missing.
    pub tile: TilePath,
    /// Why it could not be read.
    pub error: E,
}

/// An error and what caused it, in one line.
fn explain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
