//! Whether a checkpoint satisfies a policy.

use super::{LogKey, Member, Policy};
use crate::checkpoint::{Checkpoint, ParseCheckpoint};
use crate::cosignature::{CosignerKey, OpenCosignatures, cosignatures};
use crate::note::{KeyName, Note, OpenNote, VerifierKey};

/// A checkpoint that the policy accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The witnesses that cosigned it (indexes into [`Policy::witnesses`]) and when, in POSIX seconds.
    pub witnesses: Vec<(usize, u64)>,
}

/// Why a checkpoint is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The note is no checkpoint.
    #[error("the note is not a checkpoint")]
    Text(#[from] ParseCheckpoint),
    /// No log of the policy has this origin.
    #[error("the policy knows no log `{0}`")]
    UnknownLog(String),
    /// A signature of the log is wrong.
    #[error("the log's signature does not hold")]
    Log(#[from] OpenNote),
    /// A cosignature is wrong.
    #[error("a cosignature does not hold")]
    Cosignature(#[from] OpenCosignatures),
    /// The log has not signed.
    #[error("the log `{0}` has not signed the checkpoint")]
    NotSigned(String),
    /// Too few witnesses, or the wrong ones.
    #[error("{seen} known witnesses have cosigned the checkpoint, which is not the quorum")]
    NoQuorum {
        /// How many witnesses of the policy did.
        seen: usize,
    },
}

impl Policy {
    /// Checks that a log of the policy signed `note`, and that the quorum of witnesses did. One wrong signature of any
    /// known key refuses the note.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn check(&self, note: &Note) -> Result<Accepted, Refused> {
        let checkpoint: Checkpoint = note.text().parse()?;
        self.check_log(note, &checkpoint.origin)?;
        let witnesses = self.cosigned(note)?;
        Ok(Accepted { checkpoint, witnesses })
    }

    /// Only the witnesses' half of [`Policy::check`], for who knows the log's keys already: the witnesses that cosigned, as
    /// indexes into [`Policy::witnesses`], and when.
    ///
    /// # Errors
    /// [`Refused::Cosignature`] for a wrong signature of a known witness, [`Refused::NoQuorum`].
    pub fn cosigned(&self, note: &Note) -> Result<Vec<(usize, u64)>, Refused> {
        let keys: Vec<CosignerKey> = self.witnesses().iter().map(|witness| witness.key.clone()).collect();
        let cosigned = cosignatures(note, &keys)?;
        let witnesses: Vec<(usize, u64)> = (keys.iter().enumerate())
            .filter_map(|(index, key)| {
                let by_key = cosigned.iter().find(|cosigned| cosigned.key == key)?;
                Some((index, by_key.time))
            })
            .collect();
        let has = |index| witnesses.iter().any(|(witness, _)| *witness == index);
        match self.quorum {
            Some(quorum) if !self.reached(quorum, &has) => Err(Refused::NoQuorum { seen: witnesses.len() }),
            _ => Ok(witnesses),
        }
    }

    /// Whether cosignatures of the witnesses with these indexes would be enough.
    pub fn is_quorum(&self, has: impl Fn(usize) -> bool) -> bool {
        self.quorum.is_none_or(|quorum| self.reached(quorum, &has))
    }

    fn check_log(&self, note: &Note, origin: &str) -> Result<(), Refused> {
        let (mut plain, mut quantum): (Vec<VerifierKey>, Vec<CosignerKey>) = (vec![], vec![]);
        let of_origin = |name: &KeyName| name.as_str() == origin;
        for log in self.logs().iter().filter(|log| of_origin(log.key.origin())) {
            match &log.key {
                LogKey::Ed25519(key) => plain.push(key.clone()),
                LogKey::MlDsa44(key) => quantum.push(key.clone()),
            }
        }
        if plain.is_empty() && quantum.is_empty() {
            return Err(Refused::UnknownLog(origin.to_owned()));
        }
        let by_plain = match note.open(&plain) {
            Ok(_) => true,
            Err(OpenNote::NoKnownSignature) => false,
            Err(error) => return Err(error.into()),
        };
        if by_plain | !cosignatures(note, &quantum)?.is_empty() {
            Ok(())
        } else {
            Err(Refused::NotSigned(origin.to_owned()))
        }
    }

    fn reached(&self, member: Member, has: &impl Fn(usize) -> bool) -> bool {
        match member {
            Member::Witness(index) => has(index),
            // Members stand on earlier lines than their group, so this ends.
            Member::Group(index) => self.groups.get(index).is_some_and(|group| {
                let reached = group.members.iter().filter(|member| self.reached(**member, has));
                reached.count() >= group.threshold
            }),
        }
    }
}
