//! What a leaf says instead of a personal value: a salted commitment.
//!
//! `SHA-256("kg-c/v1" || 0 || field || 0 || salt || value)`, the salt 32 random bytes for each entry. Salt and value, the
//! *opening*, lie beside the log and can be erased; without the salt a commitment to an address can't be searched for.
use sha2::{Digest, Sha256};

const CONTEXT: &[u8] = b"kg-c/v1\0";

/// The field of the caller's address.
pub const SOURCE: &str = "source";

/// The opening of a commitment.
#[derive(Clone, PartialEq, Eq)]
pub struct Opening {
    /// 32 secret random bytes, other ones for each entry.
    pub salt: [u8; 32],
    /// The value itself, such as an IP address.
    pub value: String,
}

impl Opening {
    /// The commitment of `field` that this opens.
    #[must_use]
    pub fn commitment(&self, field: &str) -> [u8; 32] {
        Sha256::new()
            .chain_update(CONTEXT)
            .chain_update(field)
            .chain_update([0])
            .chain_update(self.salt)
            .chain_update(&self.value)
            .finalize()
            .into()
    }
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opening").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    /// With the salt an address is found at once; without it no search finds it, whatever else is known.
    #[test]
    fn a_commitment_can_t_be_searched_for_without_its_salt() {
        let hidden = Opening {
            salt: [7; 32],
            value: "10.17.200.3".to_owned(),
        };
        let committed = hidden.commitment(SOURCE);
        let search = |salt: [u8; 32]| {
            (0..=u16::MAX).find(|low| {
                let value = Ipv4Addr::from(0x0a11_0000 | u32::from(*low)).to_string();
                Opening { salt, value }.commitment(SOURCE) == committed
            })
        };
        assert_eq!(search(hidden.salt), Some(0xc803));
        for guessed in [[0; 32], committed, [8; 32]] {
            assert_eq!(search(guessed), None);
        }
    }
}
