//! Signed notes (`c2sp.org/signed-note`): a text with one or more signature lines.
//!
//! Only Ed25519 (signature type 0x01) is made and checked here. Signatures of other types or of keys that nobody
//! knows are carried along and ignored; those of witnesses are [`crate::cosignature`]'s.

mod key_name;
mod open;
mod parse;
mod signer;
mod vkey;

pub use key_name::{KeyId, KeyName, KeyNameError};
pub use open::OpenNote;
pub use parse::{MAX_NOTE_BYTES, MAX_SIGNATURES, Note, NoteSignature, ParseNote, check_text};
pub use signer::NoteSigner;
pub use vkey::{ParseVkey, VerifierKey};
pub(crate) use vkey::{VkeyParts, write_vkey};
