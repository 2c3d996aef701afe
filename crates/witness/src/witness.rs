//! The two calls of a witness.

use std::sync::Arc;

use keepgate_kernel::Clock;
use keepgate_merkle::{
    checkpoint::Checkpoint,
    cosignature::{Cosign, Cosigner, CosignerKey, cosignatures},
    note::{Note, NoteSignature, ParseNote},
    witness::{AddCheckpoint, KnownLog, Refusal, judge},
};

use crate::{Store, StoreError, directory::hash_of};

/// A witness: the logs it knows, the keys it signs with, what it remembers, and its clock.
#[derive(Debug)]
pub struct Witness {
    logs: Vec<KnownLog>,
    cosigners: Vec<Cosigner>,
    store: Box<dyn Store>,
    clock: Arc<dyn Clock>,
}

/// Why there is no such witness.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadWitness {
    /// Nothing to sign with.
    #[error("a witness needs a key")]
    NoKey,
    /// A log without a key, or the same log twice.
    #[error("the log `{0}` has no key or is named twice")]
    Log(String),
    /// A key of a log under another name than its origin.
    #[error("a key of the log `{0}` is not named after it")]
    KeyName(String),
}

/// Why nothing is cosigned, for now or for good.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// By the rules of the protocol.
    #[error(transparent)]
    Rule(#[from] Refusal),
    /// The witness can't remember it, so it does not sign it.
    #[error("the witness can't keep the checkpoint")]
    Store(#[from] StoreError),
    /// What it remembers is not what it wrote, or its clock can't be right.
    #[error("the witness can't sign the checkpoint")]
    Cosign(#[from] Cosign),
    /// No note can carry the signatures.
    #[error("the witness can't write the checkpoint down")]
    Note(#[from] ParseNote),
}

impl Refused {
    /// The HTTP status: the protocol's, or 503 where the witness itself is not well.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Rule(refusal) => refusal.status(),
            Self::Store(_) | Self::Cosign(_) | Self::Note(_) => 503,
        }
    }
}

impl Witness {
    /// A witness of `logs` that signs with every key in `cosigners`.
    ///
    /// # Errors
    /// [`BadWitness`].
    pub fn new(
        logs: Vec<KnownLog>,
        cosigners: Vec<Cosigner>,
        store: Box<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BadWitness> {
        if cosigners.is_empty() {
            return Err(BadWitness::NoKey);
        }
        for (nth, log) in logs.iter().enumerate() {
            if log.keys.is_empty() || logs.iter().take(nth).any(|earlier| earlier.origin == log.origin) {
                return Err(BadWitness::Log(log.origin.clone()));
            }
            if log.keys.iter().any(|key| key.name().as_str() != log.origin) {
                return Err(BadWitness::KeyName(log.origin.clone()));
            }
        }
        Ok(Self {
            logs,
            cosigners,
            store,
            clock,
        })
    }

    /// The public halves of its keys.
    pub fn keys(&self) -> impl Iterator<Item = &CosignerKey> {
        self.cosigners.iter().map(Cosigner::verifier)
    }

    /// `add-checkpoint`: the signature lines for the checkpoint in `body`, which is then the last cosigned one of its log.
    ///
    /// # Errors
    /// [`Refused`]; where the log contradicts itself, `body` was kept as evidence.
    pub fn add_checkpoint(&self, body: &[u8]) -> Result<String, Refused> {
        let request = AddCheckpoint::parse(body).map_err(Refusal::from)?;
        let told: Checkpoint = request.checkpoint.text().parse().map_err(Refusal::from)?;
        let log = self.logs.iter().find(|log| log.origin == told.origin);
        let mut outcome = Err(Refusal::UnknownLog.into());
        let Some(log) = log else { return outcome };
        self.store.update(&log.origin, &mut |latest| {
            let (lines, next) = match self.decide(&request, log, latest) {
                Ok(signed) => signed,
                Err(refused) => {
                    outcome = Err(refused);
                    return None;
                }
            };
            outcome = Ok(lines);
            Some(next)
        })?;
        if let Err(Refused::Rule(refusal)) = &outcome
            && refusal.is_evidence()
        {
            self.store.keep(&log.origin, body)?;
        }
        outcome
    }

    /// The last cosigned checkpoint of the log whose origin has this SHA-256 (lower-case hexadecimal), with the signatures of
    /// the log and of this witness.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn checkpoint(&self, origin_hash: &str) -> Result<Option<Note>, StoreError> {
        let log = self
            .logs
            .iter()
            .find(|log| hash_of(log.origin.as_bytes()) == origin_hash);
        log.map_or(Ok(None), |log| self.store.latest(&log.origin))
    }

    /// The signature lines, and the note that is kept: with what the log's keys and ours say, and nobody else.
    fn decide(
        &self,
        request: &AddCheckpoint,
        log: &KnownLog,
        latest: Option<&Note>,
    ) -> Result<(String, Note), Refused> {
        let (last, signed) = latest.map(|note| self.remembered(note, log)).transpose()?.unzip();
        judge(request, Some(log), last.as_ref())?;
        let note = &request.checkpoint;
        // Never before the last cosignature: a clock that was set back does not go back here.
        let now = u64::try_from(self.clock.now().timestamp()).unwrap_or(0);
        let time = now.max(signed.unwrap_or(0));
        let ours: Vec<NoteSignature> = self
            .cosigners
            .iter()
            .map(|cosigner| cosigner.cosign(note.text(), time))
            .collect::<Result<_, _>>()?;
        let of_log = |line: &&NoteSignature| {
            log.keys
                .iter()
                .any(|key| (key.name(), key.id()) == (line.name(), line.id()))
        };
        let lines: Vec<NoteSignature> = note.signatures().iter().filter(of_log).chain(&ours).cloned().collect();
        let kept = Note::new(note.text().to_owned(), lines)?;
        Ok((ours.iter().map(ToString::to_string).collect(), kept))
    }

    /// What was cosigned last and when, if it bears our own signature: whoever changed the file can't have made one. With a new
    /// key beside it the old one stays until every log has been cosigned again.
    fn remembered(&self, note: &Note, log: &KnownLog) -> Result<(Checkpoint, u64), Refused> {
        let corrupt = || StoreError::Corrupt(log.origin.clone());
        let keys: Vec<CosignerKey> = self.keys().cloned().collect();
        let cosigned = cosignatures(note, &keys).map_err(|_| corrupt())?;
        let time = cosigned
            .iter()
            .map(|cosigned| cosigned.time)
            .max()
            .ok_or_else(corrupt)?;
        let checkpoint: Checkpoint = note.text().parse().map_err(|_| corrupt())?;
        if checkpoint.origin == log.origin {
            Ok((checkpoint, time))
        } else {
            Err(corrupt().into())
        }
    }
}
