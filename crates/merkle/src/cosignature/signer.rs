//! Cosigning.

use std::fmt;

use ed25519_dalek::{Signer, SigningKey};
use ml_dsa::{Keypair, MlDsa44};

use super::key::{CosignerKey, Scheme};
use super::message;
use crate::checkpoint::{Checkpoint, ParseCheckpoint};
use crate::note::{KeyName, NoteSignature, ParseVkey};

enum SecretKey {
    Ed25519(Box<SigningKey>),
    MlDsa44(Box<ml_dsa::SigningKey<MlDsa44>>),
}

/// A private key of a cosigner with its name. It is wiped when dropped and shows only its public half.
pub struct Cosigner {
    key: SecretKey,
    public: CosignerKey,
}

/// Why nothing was cosigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cosign {
    /// The text is no checkpoint.
    #[error("only checkpoints are cosigned")]
    Text(#[from] ParseCheckpoint),
    /// Times are POSIX seconds from 1 to 2^63 - 1: a witness's cosignature never leaves its time out.
    #[error("the time of a cosignature must be between 1 and 2^63 - 1 seconds")]
    Time,
    /// ML-DSA-44 cosignatures count the bytes of both names with one byte.
    #[error("the origin and the cosigner's name must not be longer than 255 bytes")]
    LongName,
}

impl Cosigner {
    /// A cosigner from the 32-byte seed of RFC 8032 or FIPS 204 (xi). Wiping the caller's copy is the caller's business.
    ///
    /// # Errors
    /// [`ParseVkey::PublicKey`] if the seed leads to no usable key.
    pub fn from_seed(name: KeyName, scheme: Scheme, seed: &[u8; 32]) -> Result<Self, ParseVkey> {
        let (key, public) = match scheme {
            Scheme::Ed25519 => {
                let key = SigningKey::from_bytes(seed);
                let public = key.verifying_key().as_bytes().to_vec();
                (SecretKey::Ed25519(Box::new(key)), public)
            }
            Scheme::MlDsa44 => {
                let key = ml_dsa::SigningKey::from_seed(&(*seed).into());
                let public = key.verifying_key().encode().to_vec();
                (SecretKey::MlDsa44(Box::new(key)), public)
            }
        };
        let public = CosignerKey::from_public_key(name, scheme, &public)?;
        Ok(Self { key, public })
    }

    /// The public half.
    pub const fn verifier(&self) -> &CosignerKey {
        &self.public
    }

    /// The cosignature over the checkpoint whose text is `text`, at `time` (POSIX seconds). Whether it deserves one is
    /// the caller's to know: see [`crate::witness`].
    ///
    /// # Errors
    /// [`Cosign`].
    pub fn cosign(&self, text: &str, time: u64) -> Result<NoteSignature, Cosign> {
        let checkpoint: Checkpoint = text.parse()?;
        if time == 0 || i64::try_from(time).is_err() {
            return Err(Cosign::Time);
        }
        let signature = match &self.key {
            SecretKey::Ed25519(key) => key.sign(&message::ed25519(time, text)).to_bytes().to_vec(),
            SecretKey::MlDsa44(key) => {
                let message = message::ml_dsa_44(self.public.name(), time, &checkpoint).ok_or(Cosign::LongName)?;
                let signed = key.expanded_key().sign_deterministic(&message, &[]);
                signed.map_err(|_| Cosign::LongName)?.encode().to_vec()
            }
        };
        let blob = [time.to_be_bytes().as_slice(), &signature].concat();
        Ok(NoteSignature::new(self.public.name().clone(), self.public.id(), blob))
    }
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosigner({:?})", self.public)
    }
}
