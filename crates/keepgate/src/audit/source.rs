//! Where a log is read from.
use std::fmt;

use keepgate_merkle::{tile::TilePath, verify};

use super::{archive::Archive, directory::Directory, openings, remote::Remote, stored::Stored};

/// A log somewhere.
pub enum Source {
    /// An exported directory.
    Directory(Directory),
    /// An exported bundle.
    Archive(Archive),
    /// A running gateway.
    Remote(Remote),
    /// The database behind it.
    Stored(Box<Stored>),
}

/// Why something can't be read, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// In words.
    pub why: String,
    /// Whether it was archived and removed, or never was here: somebody else may have it.
    pub elsewhere: bool,
}

impl Unreadable {
    pub fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            elsewhere: false,
        }
    }

    pub fn elsewhere(why: impl Into<String>) -> Self {
        Self {
            elsewhere: true,
            ..Self::new(why)
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// A note has at most 64 KiB.
pub const MAX_CHECKPOINT: usize = 64 * 1024;

impl Source {
    /// The newest signed checkpoint.
    pub fn checkpoint(&mut self) -> Result<Vec<u8>, Unreadable> {
        match self {
            Self::Directory(directory) => directory.read("checkpoint", MAX_CHECKPOINT),
            Self::Archive(archive) => archive.read("checkpoint", MAX_CHECKPOINT),
            Self::Remote(remote) => remote.log_file("checkpoint", MAX_CHECKPOINT),
            Self::Stored(stored) => Ok(stored.checkpoint()),
        }
    }

    /// A file that lies beside the log in a bundle or directory, of at most `most` bytes.
    pub fn beside(&self, name: &str, most: usize) -> Result<Vec<u8>, Unreadable> {
        match self {
            Self::Directory(directory) => directory.read(name, most),
            Self::Archive(archive) => archive.read(name, most),
            Self::Remote(_) | Self::Stored(_) => Err(Unreadable::new(
                "only a bundle or a directory brings a time stamp along",
            )),
        }
    }

    /// The openings that lie beside the log, as lines of JSON; empty when there are none.
    pub fn openings(&mut self) -> Result<Vec<u8>, Unreadable> {
        match self {
            Self::Directory(directory) => directory.read_if_there("openings.jsonl", openings::MOST),
            Self::Archive(archive) if archive.holds("openings.jsonl") => archive.read("openings.jsonl", openings::MOST),
            Self::Archive(_) | Self::Remote(_) | Self::Stored(_) => Ok(Vec::new()),
        }
    }
}

impl verify::Source for Source {
    type Error = Unreadable;

    fn tile(&mut self, path: &TilePath) -> Result<Vec<u8>, Unreadable> {
        let (name, most) = (path.to_string(), path.max_bytes());
        match self {
            Self::Directory(directory) => directory.read(&name, most),
            Self::Archive(archive) => archive.read(&name, most),
            Self::Remote(remote) => remote.log_file(&name, most),
            Self::Stored(stored) => stored.tile(path),
        }
    }

    fn is_elsewhere(&self, error: &Unreadable) -> bool {
        error.elsewhere
    }
}
