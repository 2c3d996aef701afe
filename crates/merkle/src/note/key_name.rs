//! What a key is called: its name and the short id beside it.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// The name of a key: not empty, without Unicode spaces, ASCII control characters or `+`. For a log it is the log's origin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// Why a text is not a [`KeyName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key name must not be empty or contain spaces, control characters or `+`")]
pub struct KeyNameError;

impl KeyName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyNameError;

    fn from_str(text: &str) -> Result<Self, KeyNameError> {
        let refused = |c: char| c == '+' || c < ' ' || c.is_whitespace();
        if text.is_empty() || text.contains(refused) {
            Err(KeyNameError)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Four bytes that tell keys of one name apart. Not a strong hash: it only selects the key to check with.
///
/// Its text form is 8 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// Wraps the four bytes, big endian.
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The four bytes, big endian.
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    /// The id the signed-note document recommends: the first bytes of
    /// `SHA-256(name || 0x0A || signature type || public key)`.
    pub(crate) fn derive(name: &KeyName, signature_type: u8, public_key: &[u8]) -> Self {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(name.as_str())
            .chain_update([b'\n', signature_type])
            .chain_update(public_key)
            .finalize()
            .into();
        let [a, b, c, d, ..] = digest;
        Self([a, b, c, d])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
