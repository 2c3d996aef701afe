//! SHA-256 hashing of leaves and nodes as RFC 6962 section 2.1 defines it.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::base64;

/// Prefixed to a leaf before hashing, so that no leaf can pass for a node.
const LEAF_PREFIX: [u8; 1] = [0x00];
/// Prefixed to a pair of child hashes before hashing.
const NODE_PREFIX: [u8; 1] = [0x01];

/// A SHA-256 hash: of a leaf, of a node or the root of a tree.
///
/// Its text form (`Display`, `FromStr`) is standard base64 with padding, 44 characters, as C2SP documents write it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; Hash::LEN]);

impl Hash {
    /// Length of a hash in bytes.
    pub const LEN: usize = 32;

    /// Wraps 32 bytes that are already a hash.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The hash as 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }
}

/// Why a value is not a [`struct@Hash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The text is not canonical base64: wrong alphabet, padding or trailing bits.
    #[error("a hash must be canonical base64 with padding")]
    NotBase64,
    /// The value does not have 32 bytes.
    #[error("a hash has 32 bytes, not {0}")]
    WrongLength(usize),
}

impl TryFrom<&[u8]> for Hash {
    type Error = HashError;

    fn try_from(bytes: &[u8]) -> Result<Self, HashError> {
        <[u8; Self::LEN]>::try_from(bytes)
            .map(Self)
            .map_err(|_| HashError::WrongLength(bytes.len()))
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let bytes = base64::decode(text).ok_or(HashError::NotBase64)?;
        Self::try_from(bytes.as_slice())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64::encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({})", self.to_hex())
    }
}

/// Hash of a leaf: `SHA-256(0x00 || entry)`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(
        Sha256::new()
            .chain_update(LEAF_PREFIX)
            .chain_update(entry)
            .finalize()
            .into(),
    )
}

/// Hash of a node: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(
        Sha256::new()
            .chain_update(NODE_PREFIX)
            .chain_update(left.0)
            .chain_update(right.0)
            .finalize()
            .into(),
    )
}

/// Root of the tree without leaves: `SHA-256("")`.
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_back_from_its_own_text_only() {
        let hash = leaf_hash(b"x");
        let text = hash.to_string();
        assert_eq!(text.len(), 44);
        assert_eq!(text.parse(), Ok(hash));
        assert_eq!(text.trim_end_matches('=').parse::<Hash>(), Err(HashError::NotBase64));
        assert_eq!(format!("{text}\n").parse::<Hash>(), Err(HashError::NotBase64));
        assert_eq!("AAAA".parse::<Hash>(), Err(HashError::WrongLength(3)));
        assert_eq!("".parse::<Hash>(), Err(HashError::WrongLength(0)));
    }

    #[test]
    fn base64_with_stray_trailing_bits_is_refused() {
        let canonical = Hash::from_bytes([0; 32]).to_string();
        assert!(canonical.ends_with("AA="));
        let stray = format!("{}B=", canonical.trim_end_matches("A="));
        assert_eq!(stray.len(), 44);
        assert_eq!(stray.parse::<Hash>(), Err(HashError::NotBase64));
    }

    #[test]
    fn a_leaf_that_spells_a_node_does_not_hash_like_that_node() {
        let (left, right) = (leaf_hash(b"l"), leaf_hash(b"r"));
        let pair = [left.as_bytes().as_slice(), right.as_bytes().as_slice()].concat();
        let spelled = [&[0x01], pair.as_slice()].concat();
        assert_ne!(leaf_hash(&spelled), node_hash(&left, &right));
        assert_ne!(leaf_hash(&pair), node_hash(&left, &right));
    }
}
