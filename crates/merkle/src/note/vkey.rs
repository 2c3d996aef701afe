//! Verifier keys: the public half, as text.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use ed25519_dalek::{Signature, VerifyingKey};

use super::key_name::{KeyId, KeyName, KeyNameError};
use crate::base64;

/// The signature type byte of plain Ed25519.
const ED25519: u8 = 0x01;

/// A public key that checks Ed25519 note signatures, with its name and id.
///
/// Its text form is the `vkey` of the signed-note document: `name+id+base64(0x01 || public key)`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    id: KeyId,
    key: VerifyingKey,
}

/// Why a text or a public key is not a [`VerifierKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseVkey {
    /// There are not three parts divided by `+`.
    #[error("a verifier key has the form name+id+key")]
    Form,
    /// The first part is no key name.
    #[error("the name of the verifier key is not valid")]
    Name(#[from] KeyNameError),
    /// The second part is not 8 lower-case hexadecimal digits.
    #[error("the id of the verifier key must be 8 lower-case hexadecimal digits")]
    Id,
    /// The third part is not canonical base64, or is empty.
    #[error("the key of the verifier key must be canonical base64 with padding")]
    Base64,
    /// The signature type is not one that a key of this kind has.
    #[error("signature type {0:#04x} is not supported here")]
    Type(u8),
    /// The public key is not usable: wrong length, no point of the curve, or of small order.
    #[error("the verifier key holds no usable public key")]
    PublicKey,
    /// The id is not the hash of the name and the key: one of them was changed.
    #[error("the id of the verifier key does not match its name and key")]
    IdMismatch,
}

impl VerifierKey {
    /// A verifier key from a name and the 32 bytes of an Ed25519 public key (RFC 8032).
    pub fn from_public_key(name: KeyName, public_key: &[u8; 32]) -> Result<Self, ParseVkey> {
        let key = VerifyingKey::from_bytes(public_key).map_err(|_| ParseVkey::PublicKey)?;
        if key.is_weak() {
            return Err(ParseVkey::PublicKey);
        }
        let id = KeyId::derive(&name, ED25519, public_key);
        Ok(Self { name, id, key })
    }

    /// The name of the key.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id of the key.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The 32 bytes of the Ed25519 public key.
    pub fn public_key(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Whether `signature` is this key's signature over `text`, by the strict rules of Ed25519 (no malleable form).
    pub(crate) fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        <&[u8; 64]>::try_from(signature).is_ok_and(|bytes| {
            self.key
                .verify_strict(text.as_bytes(), &Signature::from_bytes(bytes))
                .is_ok()
        })
    }
}

/// The three parts of a `vkey`, the last one divided into signature type and public key. The id is not yet compared.
pub(crate) struct VkeyParts {
    pub(crate) name: KeyName,
    pub(crate) id: KeyId,
    pub(crate) signature_type: u8,
    pub(crate) public_key: Vec<u8>,
}

impl FromStr for VkeyParts {
    type Err = ParseVkey;

    fn from_str(text: &str) -> Result<Self, ParseVkey> {
        // Base64 may contain `+` itself: only the first two divide.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(ParseVkey::Form);
        };
        let name = name.parse()?;
        let id = HEXLOWER.decode(id.as_bytes()).map_err(|_| ParseVkey::Id)?;
        let id = <[u8; 4]>::try_from(id.as_slice()).map_err(|_| ParseVkey::Id)?;
        let key = base64::decode(key).ok_or(ParseVkey::Base64)?;
        let (&signature_type, public_key) = key.split_first().ok_or(ParseVkey::Base64)?;
        Ok(Self {
            name,
            id: KeyId::from_bytes(id),
            signature_type,
            public_key: public_key.to_vec(),
        })
    }
}

/// A `vkey` from its parts.
pub(crate) fn write_vkey(
    f: &mut fmt::Formatter<'_>,
    name: &KeyName,
    id: KeyId,
    signature_type: u8,
    public_key: &[u8],
) -> fmt::Result {
    let typed = [&[signature_type], public_key].concat();
    write!(f, "{name}+{id}+{}", base64::encode(&typed))
}

impl FromStr for VerifierKey {
    type Err = ParseVkey;

    fn from_str(text: &str) -> Result<Self, ParseVkey> {
        let parts: VkeyParts = text.parse()?;
        if parts.signature_type != ED25519 {
            return Err(ParseVkey::Type(parts.signature_type));
        }
        let public_key = <&[u8; 32]>::try_from(parts.public_key.as_slice()).map_err(|_| ParseVkey::PublicKey)?;
        let key = Self::from_public_key(parts.name, public_key)?;
        if key.id == parts.id {
            Ok(key)
        } else {
            Err(ParseVkey::IdMismatch)
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_vkey(f, &self.name, self.id, ED25519, self.key.as_bytes())
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}
