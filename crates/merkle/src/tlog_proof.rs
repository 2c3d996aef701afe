//! Proof files (`c2sp.org/tlog-proof@v1`): an inclusion proof and the checkpoint it leads to, in one text.

use std::fmt;
use std::str::FromStr;

use crate::base64;
use crate::checkpoint::{Checkpoint, OpenCheckpoint};
use crate::decimal;
use crate::hash::{Hash, HashError};
use crate::note::{Note, ParseNote, VerifierKey};
use crate::policy::{Accepted, Policy, Refused};
use crate::proof::{NotIncluded, verify_inclusion};

/// The first line of every proof file.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// The longest inclusion proof there can be: one sibling per level of the largest tree.
const MAX_PATH: usize = 64;

/// Everything needed to check offline that an entry is in a log. Its text form is the proof file
/// (extension `.tlog-proof`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// The index of the entry in the log.
    pub index: u64,
    /// Data that goes along, without any protection; empty means none.
    pub extra: Vec<u8>,
    /// The inclusion proof, sibling of the leaf first.
    pub path: Vec<Hash>,
    /// The signed checkpoint, with cosignatures if there are any.
    pub checkpoint: Note,
}

/// Why a text is not a proof file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseTlogProof {
    /// The first line is not the version line.
    #[error("the proof must begin with the line `{HEADER}`")]
    Header,
    /// The `extra` line is not canonical base64, or empty.
    #[error("the extra data of the proof is not canonical base64")]
    Extra,
    /// There is no `index` line, or its number is no canonical decimal.
    #[error("the index of the proof is missing or not a decimal without leading zeros")]
    Index,
    /// A line of the inclusion proof is no hash.
    #[error("a line of the proof is not a hash")]
    Hash(#[source] HashError),
    /// More hashes than any tree needs.
    #[error("the proof has more than {MAX_PATH} hashes")]
    TooManyHashes,
    /// No empty line divides proof and checkpoint.
    #[error("the proof has no checkpoint after an empty line")]
    NoCheckpoint,
    /// The checkpoint is no note.
    #[error("the checkpoint of the proof is not a signed note")]
    Checkpoint(#[source] ParseNote),
}

/// Why a proof file proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyTlogProof {
    /// The checkpoint is not to be trusted.
    #[error("the proof's checkpoint can't be trusted")]
    Checkpoint(#[from] OpenCheckpoint),
    /// The checkpoint does not satisfy the policy.
    #[error("the proof's checkpoint does not satisfy the policy")]
    Policy(#[from] Refused),
    /// The entry is not in the tree of the checkpoint.
    #[error("the entry is not in the tree the checkpoint signs")]
    Inclusion(#[from] NotIncluded),
}

impl TlogProof {
    /// Checks that the entry with hash `leaf` is in the log `origin` at [`TlogProof::index`], as signed by one of the
    /// log's `keys`, and returns the checkpoint that says so. Says nothing about [`TlogProof::extra`].
    pub fn verify(&self, leaf: &Hash, origin: &str, keys: &[VerifierKey]) -> Result<Checkpoint, VerifyTlogProof> {
        let checkpoint = Checkpoint::open_note(&self.checkpoint, origin, keys)?;
        verify_inclusion(self.index, checkpoint.size, leaf, &self.path, &checkpoint.root)?;
        Ok(checkpoint)
    }

    /// The same by a policy: one of its logs has signed, and its quorum of witnesses has cosigned.
    pub fn verify_by(&self, leaf: &Hash, policy: &Policy) -> Result<Accepted, VerifyTlogProof> {
        let accepted = policy.check(&self.checkpoint)?;
        let Checkpoint { size, root, .. } = &accepted.checkpoint;
        verify_inclusion(self.index, *size, leaf, &self.path, root)?;
        Ok(accepted)
    }
}

impl FromStr for TlogProof {
    type Err = ParseTlogProof;

    fn from_str(text: &str) -> Result<Self, ParseTlogProof> {
        let rest = text
            .strip_prefix(HEADER)
            .and_then(|rest| rest.strip_prefix('\n'))
            .ok_or(ParseTlogProof::Header)?;
        let (head, checkpoint) = rest.split_once("\n\n").ok_or(ParseTlogProof::NoCheckpoint)?;
        let mut lines = head.split('\n');
        let mut line = lines.next().unwrap_or_default();
        let mut extra = Vec::new();
        if let Some(text) = line.strip_prefix("extra ") {
            extra = base64::decode(text).ok_or(ParseTlogProof::Extra)?;
            if extra.is_empty() {
                return Err(ParseTlogProof::Extra);
            }
            line = lines.next().unwrap_or_default();
        }
        let index = line
            .strip_prefix("index ")
            .and_then(decimal::parse)
            .ok_or(ParseTlogProof::Index)?;
        if lines.clone().count() > MAX_PATH {
            return Err(ParseTlogProof::TooManyHashes);
        }
        let path = lines
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(ParseTlogProof::Hash)?;
        let checkpoint = checkpoint.parse().map_err(ParseTlogProof::Checkpoint)?;
        Ok(Self {
            index,
            extra,
            path,
            checkpoint,
        })
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if !self.extra.is_empty() {
            writeln!(f, "extra {}", base64::encode(&self.extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}
