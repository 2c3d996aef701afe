//! The short id that stands in a key's text.
use aws_lc_rs::digest::{SHA256, digest};
use keepgate_kernel::KeyId;

use crate::base62;

/// How many digits.
pub(crate) const WIDTH: usize = 12;

/// 12 base62 digits that name a key: 71 bits of SHA-256 over its id, so that a key keeps its name when its secret is replaced.
/// Not a secret. The store keeps it unique: of two ids with one handle only the first gets a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle([u8; WIDTH]);

impl Handle {
    /// The handle of the key `id`.
    #[must_use]
    pub fn of(id: KeyId) -> Self {
        let mut named = b"keepgate api key handle v1".to_vec();
        named.extend_from_slice(id.uuid().as_bytes());
        let hash = digest(&SHA256, &named);
        let mut bits = [0; 9];
        for (bit, byte) in bits.iter_mut().zip(hash.as_ref()) {
            *bit = *byte;
        }
        bits[0] &= 0x7f; // 2^71 < 62^12
        let mut digits = [b'0'; WIDTH];
        for (digit, byte) in digits.iter_mut().zip(base62::encode::<WIDTH>(&bits).bytes()) {
            *digit = byte;
        }
        Self(digits)
    }

    /// The handle that `text` is, if it has the length and the alphabet of one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes().try_into().ok()?;
        base62::is_base62(text).then_some(Self(digits))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default() // base62 is ASCII
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handle({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_id_has_one_handle_and_other_ids_have_others() {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let ids: Vec<KeyId> = (0..5_000).map(|_| KeyId::new(at)).collect();
        let handles: HashSet<Handle> = ids.iter().map(|id| Handle::of(*id)).collect();
        assert_eq!(handles.len(), ids.len());
        assert_eq!(Handle::of(ids[0]), Handle::of(ids[0]));
    }

    #[test]
    fn a_handle_reads_back_and_nothing_else_is_one() {
        let handle = Handle::of(KeyId::new("2026-01-02T03:04:05Z".parse().unwrap()));
        assert_eq!(Handle::parse(handle.as_str()), Some(handle));
        for odd in ["", "short", "0123456789abc", "01234567890_", "01234567890é"] {
            assert_eq!(Handle::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn the_derivation_never_changes() {
        let id: KeyId = "key_01jd0000000000000000000000".parse().unwrap();
        assert_eq!(Handle::of(id).as_str(), "GnezNJsP6iUj");
    }
}
