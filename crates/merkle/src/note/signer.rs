//! Signing notes.

use std::fmt;

use ed25519_dalek::{Signer, SigningKey};

use super::key_name::KeyName;
use super::parse::{Note, NoteSignature, ParseNote, check_text};
use super::vkey::{ParseVkey, VerifierKey};

/// A private Ed25519 key with its name. It is wiped when dropped and shows only its public half.
pub struct NoteSigner {
    key: SigningKey,
    public: VerifierKey,
}

impl NoteSigner {
    /// A signer from the 32-byte seed of RFC 8032. Wiping the caller's copy is the caller's business.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Result<Self, ParseVkey> {
        let key = SigningKey::from_bytes(seed);
        let public = VerifierKey::from_public_key(name, key.verifying_key().as_bytes())?;
        Ok(Self { key, public })
    }

    /// The public half.
    pub const fn verifier(&self) -> &VerifierKey {
        &self.public
    }

    /// The signature over `text`, to be added to a note. Refuses a text that no note can carry.
    pub fn signature(&self, text: &str) -> Result<NoteSignature, ParseNote> {
        check_text(text)?;
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        Ok(NoteSignature::new(
            self.public.name().clone(),
            self.public.id(),
            signature.to_vec(),
        ))
    }

    /// A note with `text` and this key's signature. Refuses a text that no note can carry.
    pub fn sign(&self, text: &str) -> Result<Note, ParseNote> {
        Note::new(text.to_owned(), vec![self.signature(text)?])
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner({})", self.public)
    }
}
