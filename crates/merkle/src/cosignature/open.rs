//! Judging the cosignatures of a checkpoint.

use super::key::CosignerKey;
use crate::checkpoint::{Checkpoint, ParseCheckpoint};
use crate::note::{KeyId, KeyName, Note};

/// A cosignature that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cosigned<'k> {
    /// Who has cosigned.
    pub key: &'k CosignerKey,
    /// When, in POSIX seconds by the cosigner's clock. 0: the cosigner does not say that this was the largest tree.
    pub time: u64,
}

/// Why the cosignatures of a note are not to be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenCosignatures {
    /// The note is no checkpoint.
    #[error("the cosigned text is not a checkpoint")]
    Text(#[from] ParseCheckpoint),
    /// Two of the given keys share name and id but differ.
    #[error("two known cosigners are both called {name}+{id}")]
    AmbiguousKeys {
        /// Their name.
        name: KeyName,
        /// Their id.
        id: KeyId,
    },
    /// A known cosigner's signature is wrong: the whole note is refused (signed-note).
    #[error("the cosignature of {name}+{id} is wrong")]
    Wrong {
        /// The name of the key.
        name: KeyName,
        /// The id of the key.
        id: KeyId,
    },
}

/// The cosignatures by keys in `known`, each key once with its latest time, in the order of the note. Lines of keys that
/// nobody knows are ignored; none at all is no error here: how many are enough is [`crate::policy`]'s to say.
///
/// # Errors
/// [`OpenCosignatures`].
pub fn cosignatures<'k>(note: &Note, known: &'k [CosignerKey]) -> Result<Vec<Cosigned<'k>>, OpenCosignatures> {
    let checkpoint: Checkpoint = note.text().parse()?;
    let mut found: Vec<Cosigned<'k>> = Vec::new();
    for line in note.signatures() {
        let mut candidates = known
            .iter()
            .filter(|key| key.name() == line.name() && key.id() == line.id());
        let Some(key) = candidates.next() else { continue };
        let (name, id) = (key.name().clone(), key.id());
        if candidates.any(|other| other != key) {
            return Err(OpenCosignatures::AmbiguousKeys { name, id });
        }
        let time = key
            .time_of(note.text(), &checkpoint, line.bytes())
            .ok_or(OpenCosignatures::Wrong { name, id })?;
        match found.iter_mut().find(|cosigned| cosigned.key == key) {
            Some(earlier) => earlier.time = earlier.time.max(time),
            None => found.push(Cosigned { key, time }),
        }
    }
    Ok(found)
}
