//! Public keys of cosigners.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, VerifyingKey};
use ml_dsa::MlDsa44;

use super::message;
use crate::checkpoint::Checkpoint;
use crate::note::{KeyId, KeyName, ParseVkey, VkeyParts, write_vkey};

/// How a cosigner signs. The number is the signature type of the signed-note document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Scheme {
    /// Ed25519 (RFC 8032) over time and text.
    Ed25519 = 0x04,
    /// ML-DSA-44 (FIPS 204) over time, name, origin, size and root.
    MlDsa44 = 0x06,
}

#[derive(Clone, PartialEq)]
enum PublicKey {
    Ed25519(VerifyingKey),
    MlDsa44(Box<ml_dsa::VerifyingKey<MlDsa44>>),
}

/// A public key that checks cosignatures, with its name and id.
///
/// Its text form is a `vkey`: `name+id+base64(type || public key)` with 32 or 1,312 bytes of key.
#[derive(Clone)]
pub struct CosignerKey {
    name: KeyName,
    id: KeyId,
    key: PublicKey,
}

impl CosignerKey {
    /// A key from its name, scheme and public bytes: 32 of RFC 8032 or 1,312 of FIPS 204.
    ///
    /// # Errors
    /// [`ParseVkey::PublicKey`] for another length, no point of the curve or one of small order.
    pub fn from_public_key(name: KeyName, scheme: Scheme, public_key: &[u8]) -> Result<Self, ParseVkey> {
        let key = match scheme {
            Scheme::Ed25519 => {
                let bytes = <&[u8; 32]>::try_from(public_key).map_err(|_| ParseVkey::PublicKey)?;
                let key = VerifyingKey::from_bytes(bytes).map_err(|_| ParseVkey::PublicKey)?;
                if key.is_weak() {
                    return Err(ParseVkey::PublicKey);
                }
                PublicKey::Ed25519(key)
            }
            Scheme::MlDsa44 => {
                let bytes = public_key.try_into().map_err(|_| ParseVkey::PublicKey)?;
                PublicKey::MlDsa44(Box::new(ml_dsa::VerifyingKey::decode(&bytes)))
            }
        };
        let id = KeyId::derive(&name, scheme as u8, public_key);
        Ok(Self { name, id, key })
    }

    /// The name of the cosigner.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id of the key.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// How it signs.
    pub const fn scheme(&self) -> Scheme {
        match self.key {
            PublicKey::Ed25519(_) => Scheme::Ed25519,
            PublicKey::MlDsa44(_) => Scheme::MlDsa44,
        }
    }

    /// The public bytes. Two keys are the same key if these are equal, whatever their names (tlog-policy).
    pub fn public_key(&self) -> Vec<u8> {
        match &self.key {
            PublicKey::Ed25519(key) => key.as_bytes().to_vec(),
            PublicKey::MlDsa44(key) => key.encode().to_vec(),
        }
    }

    /// The time (POSIX, seconds) of the cosignature `blob` over the note whose text is `text` and says `checkpoint`;
    /// `None` if it is not this key's.
    pub(super) fn time_of(&self, text: &str, checkpoint: &Checkpoint, blob: &[u8]) -> Option<u64> {
        let (time, signature) = blob.split_first_chunk::<8>()?;
        let time = u64::from_be_bytes(*time);
        if i64::try_from(time).is_err() {
            return None;
        }
        let good = match &self.key {
            PublicKey::Ed25519(key) => {
                let signature = Signature::from_bytes(signature.try_into().ok()?);
                key.verify_strict(&message::ed25519(time, text), &signature).is_ok()
            }
            PublicKey::MlDsa44(key) => {
                let signature = ml_dsa::Signature::decode(&signature.try_into().ok()?)?;
                let message = message::ml_dsa_44(&self.name, time, checkpoint)?;
                key.verify_with_context(&message, &[], &signature)
            }
        };
        good.then_some(time)
    }
}

impl PartialEq for CosignerKey {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.id == other.id && self.key == other.key
    }
}

impl Eq for CosignerKey {}

impl FromStr for CosignerKey {
    type Err = ParseVkey;

    fn from_str(text: &str) -> Result<Self, ParseVkey> {
        let parts: VkeyParts = text.parse()?;
        let scheme = match parts.signature_type {
            0x04 => Scheme::Ed25519,
            0x06 => Scheme::MlDsa44,
            other => return Err(ParseVkey::Type(other)),
        };
        let key = Self::from_public_key(parts.name, scheme, &parts.public_key)?;
        if key.id == parts.id {
            Ok(key)
        } else {
            Err(ParseVkey::IdMismatch)
        }
    }
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_vkey(f, &self.name, self.id, self.scheme() as u8, &self.public_key())
    }
}

impl fmt::Debug for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignerKey({}+{}, {:?})", self.name, self.id, self.scheme())
    }
}
