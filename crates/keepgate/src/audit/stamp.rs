//! The time stamp that comes with a bundle: somebody else's word that its beginning existed by then. Checked offline.
use keepgate_audit::timestamp::{Trust, check_token};
use keepgate_kernel::{Timestamp, format_time};
use keepgate_merkle::{
    checkpoint::Checkpoint,
    hash::{Hash, leaf_hash},
    note::Note,
    proof::verify_inclusion,
    tlog_proof::TlogProof,
    tree::Frontier,
};

use super::{
    source::{Source, Unreadable},
    trust::file_of,
};
use crate::{cli::VerifyArgs, failure::Failure};

/// No file with roots is larger.
const MAX_ROOTS: usize = 1 << 20;
/// No token or proof is larger.
const MAX_FILE: usize = 128 << 10;

/// What a time stamp covers, and what was seen of it.
#[derive(Debug, Clone)]
pub struct Covered {
    /// When, by the authority's clock.
    pub at: Timestamp,
    /// How many entries it covers.
    pub size: u64,
    root: Hash,
    seen: Frontier,
}

/// Whom to trust with time; `None` when nobody asks for a time stamp.
///
/// # Errors
/// Exit code 2 for roots that can't be used.
pub fn trust(args: &VerifyArgs) -> Result<Option<Trust>, Failure> {
    let Some(file) = &args.tsa_ca else { return Ok(None) };
    let failed = |why: String| Failure::usage("can't use --tsa-ca", why, "name a PEM file with the authority's root");
    let pem = file_of(file, MAX_ROOTS).map_err(failed)?;
    Trust::from_pem(&pem)
        .map(Some)
        .map_err(|error| failed(format!("{}: {error}", file.display())))
}

/// Why there is nothing to rely on: it can't be read, or it does not hold.
pub enum Fault {
    /// Nothing is there.
    Unreadable(Unreadable),
    /// Something is, and it is wrong.
    Wrong(String),
}

impl From<Unreadable> for Fault {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error)
    }
}

impl Covered {
    /// Checks the token beside the log named `origin`, and that the log of logs it is over contains a state of that log.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(source: &Source, origin: &str, trust: &Trust) -> Result<Self, Fault> {
        let token = source.beside("time-stamp", MAX_FILE)?;
        let proof = source.beside("time-proof", MAX_FILE)?;
        let wrong = |why: &str| Fault::Wrong(format!("the time stamp does not hold: {why}"));
        let proof = String::from_utf8(proof).ok().and_then(|text| text.parse().ok());
        let proof: TlogProof = proof.ok_or_else(|| wrong("what should prove it is no proof"))?;
        let stamp = check_token(&token, proof.checkpoint.text().as_bytes(), trust);
        let stamp = stamp.map_err(|error| wrong(&error.to_string()))?;
        let none = || wrong("the proof says nothing about a log");
        let own = Note::parse(&proof.extra).map_err(|_| none())?;
        let told: Checkpoint = own.text().parse().map_err(|_| none())?;
        let of_logs: Checkpoint = proof.checkpoint.text().parse().map_err(|_| none())?;
        if told.origin != origin {
            return Err(wrong("it is about another log"));
        }
        let leaf = leaf_hash(own.text().as_bytes());
        verify_inclusion(proof.index, of_logs.size, &leaf, &proof.path, &of_logs.root)
            .map_err(|_| wrong("what was stamped does not contain the log"))?;
        Ok(Self {
            at: stamp.at,
            size: told.size,
            root: told.root,
            seen: Frontier::default(),
        })
    }

    /// Takes the next entry that was read: it must not be younger than the stamp over it, and all together must be what was stamped.
    ///
    /// # Errors
    /// In words for people.
    pub fn entry(&mut self, index: u64, bytes: &[u8], latest: Option<Timestamp>) -> Result<(), String> {
        if index >= self.size || self.seen.size() != index {
            return Ok(());
        }
        self.seen.push(leaf_hash(bytes));
        let at = format_time(self.at);
        if let Some(latest) = latest.filter(|latest| *latest > self.at + keepgate_audit::clock::OVERLAP) {
            let latest = format_time(latest);
            return Err(format!(
                "it is dated {latest}, and was time-stamped at {at}: the clock was wrong"
            ));
        }
        if self.seen.size() == self.size && self.seen.root() != self.root {
            return Err(format!(
                "the first {} entries are not those that were time-stamped at {at}",
                self.size
            ));
        }
        Ok(())
    }

    /// Whether all that it covers was seen and is that.
    pub const fn holds(&self) -> bool {
        self.seen.size() == self.size
    }
}
