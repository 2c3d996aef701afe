//! Judging the signatures of a note.

use super::key_name::{KeyId, KeyName};
use super::parse::Note;
use super::vkey::VerifierKey;

/// Why a note is not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenNote {
    /// Two of the given keys share name and id but differ: which one should check is unclear.
    #[error("two known keys are both called {name}+{id}")]
    AmbiguousKeys {
        /// Their name.
        name: KeyName,
        /// Their id.
        id: KeyId,
    },
    /// A known key's signature is wrong: text or signature was changed, so the whole note is refused.
    #[error("the signature of {name}+{id} is wrong")]
    WrongSignature {
        /// The name of the key.
        name: KeyName,
        /// The id of the key.
        id: KeyId,
    },
    /// No known key has signed.
    #[error("no known key has signed the note")]
    NoKnownSignature,
}

impl Note {
    /// Checks every signature of a key in `known` and returns the keys that signed, each once, in the order of the
    /// note. A signature counts as known only if name and id both match; the others are ignored. One wrong known
    /// signature, or no known one at all, refuses the note.
    pub fn open<'k>(&self, known: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, OpenNote> {
        let mut signers: Vec<&VerifierKey> = Vec::new();
        for signature in self.signatures() {
            let mut candidates = known
                .iter()
                .filter(|key| key.name() == signature.name() && key.id() == signature.id());
            let Some(key) = candidates.next() else { continue };
            let (name, id) = (key.name().clone(), key.id());
            if candidates.any(|other| other != key) {
                return Err(OpenNote::AmbiguousKeys { name, id });
            }
            if !key.verifies(self.text(), signature.bytes()) {
                return Err(OpenNote::WrongSignature { name, id });
            }
            if !signers.contains(&key) {
                signers.push(key);
            }
        }
        if signers.is_empty() {
            Err(OpenNote::NoKnownSignature)
        } else {
            Ok(signers)
        }
    }
}
