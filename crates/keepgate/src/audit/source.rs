//! Where a log is read from.
use std::fmt;

use keepgate_merkle::{tile::TilePath, verify};

use super::{archive::Archive, directory::Directory, remote::Remote};

/// A log somewhere.
pub enum Source {
    /// An exported directory.
    Directory(Directory),
    /// An exported bundle.
    Archive(Archive),
    /// A running gateway.
    Remote(Remote),
}

/// Why something can't be read, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(pub String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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
        }
    }
}
