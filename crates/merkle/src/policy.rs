//! Trust policies (`c2sp.org/tlog-policy`): which logs, which witnesses, and how many of them are enough.
//!
//! A policy is a small text file. [`Policy::check`] is the whole question an offline verifier has about a checkpoint.

mod check;
mod excerpt;
mod parse;

pub use check::{Accepted, Refused};
pub use excerpt::excerpt;
pub use parse::{MAX_POLICY_BYTES, ParsePolicy, PolicyError};

use crate::cosignature::CosignerKey;
use crate::note::{KeyName, VerifierKey};

/// A key that may sign for a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogKey {
    /// A plain note signature (0x01).
    Ed25519(VerifierKey),
    /// An ML-DSA-44 cosignature by the log itself (0x06).
    MlDsa44(CosignerKey),
}

impl LogKey {
    /// The origin of the log.
    #[must_use]
    pub const fn origin(&self) -> &KeyName {
        match self {
            Self::Ed25519(key) => key.name(),
            Self::MlDsa44(key) => key.name(),
        }
    }
}

/// A `log` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The key; its name is the origin.
    pub key: LogKey,
    /// Where the log can be read.
    pub url: Option<String>,
}

/// A `witness` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// What the policy calls it: opaque bytes without blanks.
    pub name: Vec<u8>,
    /// Its key.
    pub key: CosignerKey,
    /// Where checkpoints are posted: its submission prefix.
    pub url: Option<String>,
}

/// Somebody who counts: the index of a witness or of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// At least `threshold` of `members`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    threshold: usize,
    members: Vec<Member>,
}

/// A policy that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    groups: Vec<Group>,
    quorum: Option<Member>,
}

impl Policy {
    /// The logs, in the order of the file.
    #[must_use]
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The witnesses, in the order of the file.
    #[must_use]
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// Whether any cosignature is asked for (`quorum none` asks for none).
    #[must_use]
    pub const fn wants_witnesses(&self) -> bool {
        self.quorum.is_some()
    }
}
