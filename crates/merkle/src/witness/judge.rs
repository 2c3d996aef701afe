//! What an honest witness decides.

use super::request::{AddCheckpoint, ParseAddCheckpoint};
use crate::checkpoint::{Checkpoint, ParseCheckpoint};
use crate::hash::empty_root;
use crate::note::{OpenNote, VerifierKey};
use crate::proof::{Inconsistent, verify_consistency};

/// A log that the witness knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownLog {
    /// Its origin.
    pub origin: String,
    /// The keys that may sign for it.
    pub keys: Vec<VerifierKey>,
}

/// Why nothing is cosigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is no request.
    #[error("the request can't be read")]
    Malformed(#[from] ParseAddCheckpoint),
    /// The note is no checkpoint.
    #[error("the note of the request is not a checkpoint")]
    NoCheckpoint(#[from] ParseCheckpoint),
    /// The witness does not know the log.
    #[error("no log with this origin is known here")]
    UnknownLog,
    /// No trusted key has signed, or the signature of one is wrong.
    #[error("the checkpoint is not signed by a key that is trusted for this log")]
    Untrusted(#[from] OpenNote),
    /// The old size is larger than the checkpoint.
    #[error("the checkpoint is smaller than the old size")]
    OldAboveSize,
    /// The last cosigned checkpoint has another size than the log believes.
    #[error("the last cosigned checkpoint has {size} leaves")]
    Stale {
        /// Its size.
        size: u64,
    },
    /// A checkpoint of size 0 does not have the root of the empty tree.
    #[error("a tree without leaves has another root")]
    NotEmptyRoot,
    /// A proof from the empty tree.
    #[error("nothing can be proved from the empty tree")]
    ProofFromEmpty,
    /// The checkpoint does not continue the last cosigned one: a fork or a rewritten past. Keep the request as evidence.
    #[error("the checkpoint does not continue the last cosigned one")]
    Inconsistent(#[from] Inconsistent),
}

impl Refusal {
    /// The HTTP status of the protocol.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::NoCheckpoint(_) | Self::OldAboveSize => 400,
            Self::Untrusted(_) => 403,
            Self::UnknownLog => 404,
            Self::Stale { .. } => 409,
            Self::NotEmptyRoot | Self::ProofFromEmpty | Self::Inconsistent(_) => 422,
        }
    }

    /// Whether a log that a trusted key has signed for contradicts itself: worth keeping.
    #[must_use]
    pub const fn is_evidence(&self) -> bool {
        matches!(self, Self::NotEmptyRoot | Self::Inconsistent(_))
    }
}

/// Whether `request` deserves a cosignature: it is signed for a log in `known`, and continues `latest`, the last
/// checkpoint of that log that was cosigned. The checks come in the order of the document.
///
/// The caller looks `latest` up by [`Checkpoint::origin`] and replaces it by what is returned in one atomic step,
/// before anybody sees the cosignature; otherwise two requests at once could roll it back.
///
/// # Errors
/// [`Refusal`].
pub fn judge(
    request: &AddCheckpoint,
    log: Option<&KnownLog>,
    latest: Option<&Checkpoint>,
) -> Result<Checkpoint, Refusal> {
    let checkpoint: Checkpoint = request.checkpoint.text().parse()?;
    let log = log
        .filter(|log| log.origin == checkpoint.origin)
        .ok_or(Refusal::UnknownLog)?;
    request.checkpoint.open(&log.keys)?;
    if request.old > checkpoint.size {
        return Err(Refusal::OldAboveSize);
    }
    let size = latest.map_or(0, |latest| latest.size);
    if request.old != size {
        return Err(Refusal::Stale { size });
    }
    if checkpoint.size == 0 && checkpoint.root != empty_root() {
        return Err(Refusal::NotEmptyRoot);
    }
    match latest {
        Some(latest) if latest.size > 0 => {
            verify_consistency(size, checkpoint.size, &latest.root, &checkpoint.root, &request.proof)?;
        }
        _ if !request.proof.is_empty() => return Err(Refusal::ProofFromEmpty),
        _ => {}
    }
    Ok(checkpoint)
}
