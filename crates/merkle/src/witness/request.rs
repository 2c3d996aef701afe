//! The body of `add-checkpoint`.

use std::fmt;

use crate::decimal;
use crate::hash::{Hash, HashError};
use crate::note::{MAX_NOTE_BYTES, Note, ParseNote};

/// How many hashes a consistency proof may have.
pub const MAX_PROOF: usize = 63;
/// How long a request may be: the longest note, the longest proof and the line before them.
pub const MAX_REQUEST_BYTES: usize = MAX_NOTE_BYTES + MAX_PROOF * 45 + 32;

/// Asks a witness to cosign a checkpoint. Its text form is the body of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the last checkpoint that the witness cosigned, as far as the log knows.
    pub old: u64,
    /// The consistency proof from there; empty if `old` is 0 or the sizes are equal.
    pub proof: Vec<Hash>,
    /// The checkpoint, signed by the log.
    pub checkpoint: Note,
}

/// Why bytes are no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseAddCheckpoint {
    /// More than [`MAX_REQUEST_BYTES`].
    #[error("the request is longer than {MAX_REQUEST_BYTES} bytes")]
    TooLong,
    /// Not valid UTF-8.
    #[error("the request is not UTF-8")]
    NotUtf8,
    /// The first line is not `old` and a canonical decimal.
    #[error("the request must begin with `old` and a size")]
    Old,
    /// A line of the proof is no hash.
    #[error("a line of the consistency proof is not a hash")]
    Hash(#[source] HashError),
    /// More than [`MAX_PROOF`] hashes.
    #[error("the consistency proof has more than {MAX_PROOF} hashes")]
    TooManyHashes,
    /// No empty line divides proof and checkpoint.
    #[error("the request has no checkpoint after an empty line")]
    NoCheckpoint,
    /// The checkpoint is no note.
    #[error("the checkpoint of the request is not a signed note")]
    Checkpoint(#[source] ParseNote),
}

impl AddCheckpoint {
    /// Reads a request. Nothing is checked against any key: see [`super::judge`].
    ///
    /// # Errors
    /// [`ParseAddCheckpoint`]; a witness answers 400 to all of them.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseAddCheckpoint> {
        if bytes.len() > MAX_REQUEST_BYTES {
            return Err(ParseAddCheckpoint::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ParseAddCheckpoint::NotUtf8)?;
        let (first, mut rest) = text.split_once('\n').ok_or(ParseAddCheckpoint::Old)?;
        let old = first
            .strip_prefix("old ")
            .and_then(decimal::parse)
            .ok_or(ParseAddCheckpoint::Old)?;
        let mut proof = Vec::new();
        loop {
            let (line, after) = rest.split_once('\n').ok_or(ParseAddCheckpoint::NoCheckpoint)?;
            rest = after;
            if line.is_empty() {
                break;
            }
            if proof.len() == MAX_PROOF {
                return Err(ParseAddCheckpoint::TooManyHashes);
            }
            proof.push(line.parse().map_err(ParseAddCheckpoint::Hash)?);
        }
        let checkpoint = Note::parse(rest.as_bytes()).map_err(ParseAddCheckpoint::Checkpoint)?;
        Ok(Self { old, proof, checkpoint })
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}
