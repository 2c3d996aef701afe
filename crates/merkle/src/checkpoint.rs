//! Checkpoints (`c2sp.org/tlog-checkpoint`): what a log signs about itself.

use std::fmt;
use std::str::FromStr;

use crate::decimal;
use crate::hash::{Hash, HashError};
use crate::note::{Note, NoteSigner, OpenNote, ParseNote, VerifierKey};

/// The state of a log: which log, how many leaves, which root.
///
/// Its text form is the text of the note, three lines. Extension lines are allowed when reading and then dropped;
/// none are ever written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The unique name of the log, a URL without scheme. Not empty, one line.
    pub origin: String,
    /// The number of leaves.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// Why a text is not a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseCheckpoint {
    /// Fewer than three lines, or the last one has no newline.
    #[error("a checkpoint has an origin, a size and a root, each on its line")]
    Lines,
    /// The first line is empty.
    #[error("the origin of the checkpoint is empty")]
    Origin,
    /// The second line is no canonical decimal.
    #[error("the size of the checkpoint is not a decimal without leading zeros")]
    Size,
    /// The third line is no hash.
    #[error("the root of the checkpoint is not a hash")]
    Root(#[source] HashError),
    /// A line after the third is empty.
    #[error("an extension line of the checkpoint is empty")]
    EmptyExtension,
}

/// Why a signed checkpoint is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenCheckpoint {
    /// It is no note.
    #[error("the checkpoint is not a signed note")]
    Note(#[from] ParseNote),
    /// Its signatures don't hold.
    #[error("the checkpoint's signature does not hold")]
    Signature(#[from] OpenNote),
    /// Its text is no checkpoint.
    #[error("the signed text is not a checkpoint")]
    Text(#[from] ParseCheckpoint),
    /// It is another log's.
    #[error("the checkpoint is of log `{found}`, not of `{expected}`")]
    OtherLog {
        /// The origin asked for.
        expected: String,
        /// The origin in the checkpoint.
        found: String,
    },
}

/// Why a checkpoint can't be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignCheckpoint {
    /// The origin would not be read back as it is.
    #[error("the origin of the checkpoint is not one non-empty line")]
    Origin,
    /// No note can carry the text.
    #[error("the checkpoint can't become a note")]
    Note(#[from] ParseNote),
}

impl Checkpoint {
    /// Reads `note`, checks that a key in `keys` signed it and that it is the log `origin`'s.
    ///
    /// `keys` are keys of the log and nobody else's: one good signature is enough, so a witness's key among them could
    /// vouch alone.
    pub fn open(note: &[u8], origin: &str, keys: &[VerifierKey]) -> Result<Self, OpenCheckpoint> {
        Self::open_note(&Note::parse(note)?, origin, keys)
    }

    /// The same for a note that was read already.
    pub fn open_note(note: &Note, origin: &str, keys: &[VerifierKey]) -> Result<Self, OpenCheckpoint> {
        note.open(keys)?;
        let checkpoint: Self = note.text().parse()?;
        if checkpoint.origin == origin {
            Ok(checkpoint)
        } else {
            Err(OpenCheckpoint::OtherLog {
                expected: origin.to_owned(),
                found: checkpoint.origin,
            })
        }
    }

    /// The checkpoint as a note signed by `signer`, whose name should be the origin.
    pub fn sign(&self, signer: &NoteSigner) -> Result<Note, SignCheckpoint> {
        let text = self.to_string();
        if text.parse().as_ref() != Ok(self) {
            return Err(SignCheckpoint::Origin);
        }
        Ok(signer.sign(&text)?)
    }
}

impl FromStr for Checkpoint {
    type Err = ParseCheckpoint;

    fn from_str(text: &str) -> Result<Self, ParseCheckpoint> {
        let mut lines = text.strip_suffix('\n').ok_or(ParseCheckpoint::Lines)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(ParseCheckpoint::Lines);
        };
        if origin.is_empty() {
            return Err(ParseCheckpoint::Origin);
        }
        let size = decimal::parse(size).ok_or(ParseCheckpoint::Size)?;
        let root = root.parse().map_err(ParseCheckpoint::Root)?;
        if lines.any(str::is_empty) {
            return Err(ParseCheckpoint::EmptyExtension);
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
        })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)
    }
}
