//! Signing.
use keepgate_merkle::{checkpoint::Checkpoint, hash::Hash, note::NoteSigner, tree::Frontier};

use super::LogFault;

/// Size and root that a checkpoint signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) size: u64,
    pub(crate) root: Hash,
}

impl Signed {
    pub(crate) fn of(frontier: &Frontier) -> Self {
        Self {
            size: frontier.size(),
            root: frontier.root(),
        }
    }
}

/// The signed note for a log of this state, read back with the signer's own public key before anybody sees it.
pub(crate) fn sign(origin: &str, state: Signed, signer: &NoteSigner) -> Result<String, LogFault> {
    let checkpoint = Checkpoint {
        origin: origin.to_owned(),
        size: state.size,
        root: state.root,
    };
    let note = checkpoint.sign(signer)?.to_string();
    let key = std::slice::from_ref(signer.verifier());
    Checkpoint::open(note.as_bytes(), origin, key).map_err(LogFault::BadSignature)?;
    Ok(note)
}
