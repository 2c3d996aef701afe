//! Openings as they are stored: sealed under a key of the person they are of, by whoever holds keys.
//!
//! This crate stores and hands out; it can't seal or open. The doorway does both, under keys that its key file opens.
use keepgate_kernel::{TenantId, Uuid};

use crate::commitment::Opening;

/// A key of a subject, wrapped: what unwraps it is not in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectKey {
    /// Its number, random.
    pub id: Uuid,
    /// Whose addresses it seals: a principal, or the tenant's own number for callers nobody knows.
    pub subject: Uuid,
    /// Which key-encryption key wrapped it.
    pub kek: String,
    /// `nonce || ciphertext || tag`, 60 bytes.
    pub wrapped: Vec<u8>,
}

/// What [`crate::AuditLog::append_with`] takes along: the commitment for the leaf, and the opening beside the log.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedOpening {
    /// Goes into the leaf.
    pub commitment: [u8; 32],
    /// Under which key of the actor.
    pub key: Uuid,
    /// Salt and value, see [`plaintext`]; 61 to 260 bytes.
    pub sealed: Vec<u8>,
    /// The key itself, if this is its first use: stored in the same transaction.
    pub fresh: Option<SubjectKey>,
}

impl std::fmt::Debug for SealedOpening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealedOpening")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// An opening that a reader found beside its entry, still sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOpening {
    /// The key it is sealed under.
    pub key: SubjectKey,
    /// Salt and value.
    pub sealed: Vec<u8>,
}

/// What is sealed: the salt, 32 bytes, then the value.
#[must_use]
pub fn plaintext(opening: &Opening) -> Vec<u8> {
    [&opening.salt[..], opening.value.as_bytes()].concat()
}

/// The opening that [`plaintext`] made these bytes of; `None` for anything else.
#[must_use]
pub fn from_plaintext(bytes: &[u8]) -> Option<Opening> {
    let (salt, value) = bytes.split_first_chunk::<32>()?;
    let value = std::str::from_utf8(value).ok()?.to_owned();
    Some(Opening { salt: *salt, value })
}

/// What an opening is bound to when it is sealed, as associated data: moved to another tenant, entry, field or key it does
/// not open.
#[must_use]
pub fn binding(tenant: TenantId, entry: Uuid, field: &str, key: Uuid) -> Vec<u8> {
    format!("kg-o/v1|{}|{entry}|{field}|{key}", tenant.uuid()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_reads_back_and_rubbish_does_not() {
        let opening = Opening {
            salt: [7; 32],
            value: "192.0.2.7".to_owned(),
        };
        assert_eq!(from_plaintext(&plaintext(&opening)), Some(opening));
        assert_eq!(from_plaintext(&[7; 31]), None);
        assert_eq!(from_plaintext(&[0xff; 40]), None);
    }
}
