//! How a check ends.

use std::ops::Range;

use crate::checkpoint::OpenCheckpoint;
use crate::hash::Hash;
use crate::policy::Refused;
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
    /// The number of entries, all of them checked but for those in `unseen`.
    pub size: u64,
    /// The root over them, as signed.
    pub root: Hash,
    /// The sizes of the older checkpoints whose trees this one extends, ascending.
    pub since: Vec<u64>,
    /// The witnesses of the policy that cosigned the checkpoint: names as the policy has them, and when, in POSIX seconds.
    pub cosigned: Vec<(String, u64)>,
    /// Entries that were elsewhere, in order: their hashes lead to the root, but nobody has read what they hash. Empty for a
    /// source that never says [`Source::is_elsewhere`](super::Source::is_elsewhere).
    pub unseen: Vec<Range<u64>>,
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
    /// Too few witnesses have cosigned the checkpoint, or one of their signatures is wrong.
    #[error("the checkpoint is not cosigned as the policy asks: {}", explain(.0))]
    Witnesses(Refused),
    /// An older checkpoint can't be trusted, so nothing can be compared with it.
    #[error("older checkpoint {number} can't be trusted: {}", explain(.error))]
    Since {
        /// Which of those given, from 1.
        number: usize,
        /// Why not.
        error: OpenCheckpoint,
    },
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
    /// The entries do not give an older root: an entry before that size was changed since. It is at or behind `after`: the older
    /// checkpoints up to there still hold.
    #[error("the first {since} entries are not those the older checkpoint signed; the first {after} are")]
    RewrittenHistory {
        /// The size the older checkpoint tells.
        since: u64,
        /// The size up to which older checkpoints vouch.
        after: u64,
    },
    /// The entries do not give the signed root: entries and tiles were changed together, or the root was.
    #[error(
        "the entries do not give the root that the checkpoint signs; {after} of {size} are vouched for by an older one"
    )]
    Root {
        /// The size up to which older checkpoints vouch.
        after: u64,
        /// The size the checkpoint tells.
        size: u64,
    },
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
