//! Keys that another system made: their bcrypt hashes come over, their holders change nothing.
//!
//! Such a key has no mark, no checksum and no id in it that Keepgate knows. What finds it is its `lookup`: the beginning of its
//! text that is no secret, unique in the installation, none the beginning of another. A bearer is taken for one when it has 20 to
//! 72 visible ASCII characters, does not begin as Keepgate's own keys do, and is no JWT. 72 is where bcrypt stops reading: with a
//! longer key the rest would not count.
use std::ops::RangeInclusive;

use keepgate_kernel::{KeyId, Timestamp};

use super::format::ApiKeyFormat;
use crate::Phc;

/// How long an imported key may be.
const TEXT: RangeInclusive<usize> = 20..=72;
/// How long its lookup.
const LOOKUP: RangeInclusive<usize> = 6..=32;
/// How costly its hash: below 4 is no bcrypt, above 15 takes seconds of a core.
const COST: RangeInclusive<u32> = 4..=15;

/// Why an import was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidImport {
    /// The lookup.
    #[error("a lookup has 6 to 32 letters, digits, `_`, `-` or `.`, and does not begin as Keepgate's keys or as a JWT")]
    Lookup,
    /// The hash.
    #[error("a bcrypt hash begins with `$2a$`, `$2b$` or `$2y$`, has a cost of 4 to 15 and 60 characters")]
    Bcrypt,
}

/// The part of an imported key that is no secret: how its text begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lookup(String);

impl Lookup {
    /// Checks it.
    ///
    /// # Errors
    /// [`InvalidImport::Lookup`].
    pub fn parse(text: &str) -> Result<Self, InvalidImport> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        let ours = ApiKeyFormat::claims(text) || text.starts_with("kge_") || text.starts_with("eyJ");
        if LOOKUP.contains(&text.len()) && text.bytes().all(plain) && !ours {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidImport::Lookup)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A bcrypt hash made elsewhere. Debug shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct BcryptHash(String);

impl BcryptHash {
    /// Checks version, cost, length and alphabet.
    ///
    /// # Errors
    /// [`InvalidImport::Bcrypt`].
    pub fn parse(text: &str) -> Result<Self, InvalidImport> {
        let digit = |byte: u8| byte.is_ascii_alphanumeric() || b"./".contains(&byte);
        let parts: Vec<&str> = text.split('$').collect();
        match parts.as_slice() {
            ["", "2a" | "2b" | "2y", cost, rest]
                if cost.len() == 2
                    && cost.parse().is_ok_and(|cost| COST.contains(&cost))
                    && rest.len() == 53
                    && rest.bytes().all(digit) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidImport::Bcrypt),
        }
    }

    /// The text, as stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for BcryptHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BcryptHash(..)")
    }
}

/// What an imported key is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verifier {
    /// Until its first use.
    Bcrypt(BcryptHash),
    /// From then on.
    Argon2id(Phc),
}

/// An imported text for a key on record.
#[derive(Debug, Clone)]
pub struct NewImportedKey {
    /// The key it opens the door with.
    pub key: KeyId,
    /// What finds it.
    pub lookup: Lookup,
    /// What it is compared with.
    pub bcrypt: BcryptHash,
}

/// An imported text as the authenticator reads it.
#[derive(Debug, Clone)]
pub struct ImportedOnFile {
    /// What it is compared with.
    pub verifier: Verifier,
    /// When it ends; `None`: with its key.
    pub until: Option<Timestamp>,
}

/// Whether `bearer` may be an imported key, by its looks.
pub(crate) fn looks_imported(bearer: &str) -> bool {
    let jwt = bearer.starts_with("eyJ") && bearer.split('.').count() == 3;
    TEXT.contains(&bearer.len()) && bearer.bytes().all(|byte| byte.is_ascii_graphic()) && !jwt
}

/// The lookups that would find `bearer`, longest first.
#[must_use]
pub fn lookups_of(bearer: &str) -> Vec<Lookup> {
    LOOKUP
        .rev()
        .filter(|length| *length < bearer.len())
        .filter_map(|length| Lookup::parse(bearer.get(..length)?).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2b$10$abcdefghijklmnopqrstuuW0f9s9w7Dq1n9E4Ff5nE1FqAqV2oKxW";

    #[test]
    fn lookups_are_beginnings_of_foreign_keys_only() {
        for right in ["xyz_ab", "acme-live.0123456789", "SG.abcdef"] {
            assert!(Lookup::parse(right).is_ok(), "{right}");
        }
        for wrong in [
            "short",
            "kgl_0123456789ab",
            "kgt_xx",
            "kg_live_01",
            "kge_code",
            "eyJhbGciOi",
            "a b c d",
            "ümlaut",
            &"x".repeat(33),
        ] {
            assert_eq!(Lookup::parse(wrong), Err(InvalidImport::Lookup), "{wrong}");
        }
    }

    #[test]
    fn a_hash_has_a_known_version_a_bearable_cost_and_the_right_length() {
        assert!(BcryptHash::parse(HASH).is_ok());
        for cost in ["04", "15"] {
            assert!(BcryptHash::parse(&HASH.replace("$10$", &format!("${cost}$"))).is_ok());
        }
        for wrong in [
            HASH.replace("$10$", "$03$"),
            HASH.replace("$10$", "$16$"),
            HASH.replace("$10$", "$31$"),
            HASH.replace("$10$", "$4$"),
            HASH.replace("$2b$", "$2x$"),
            HASH.replace("$2b$", "$2$"),
            format!("{HASH}x"),
            HASH.replace('W', "é"),
            String::new(),
            "$argon2id$v=19$m=1,t=1,p=1$c2FsdHNhbHQ$aGFzaA".to_owned(),
        ] {
            assert_eq!(BcryptHash::parse(&wrong), Err(InvalidImport::Bcrypt), "{wrong}");
        }
        assert_eq!(format!("{:?}", BcryptHash::parse(HASH).unwrap()), "BcryptHash(..)");
    }

    #[test]
    fn tokens_short_words_and_texts_past_bcrypt_s_end_are_no_imported_keys() {
        let jwt = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
        for wrong in [
            "nonsense",
            jwt,
            &"x".repeat(73),
            "with a space in the middle",
            "tab\tin the middle of it",
        ] {
            assert!(!looks_imported(wrong), "{wrong}");
        }
        assert!(looks_imported("xyz_ab12_0123456789abcdef") && looks_imported(&"x".repeat(72)));
    }

    #[test]
    fn lookups_of_a_text_are_its_beginnings_longest_first() {
        let found = lookups_of("xyz_ab12_0123456789");
        assert_eq!(found.first().map(Lookup::as_str), Some("xyz_ab12_012345678"));
        assert_eq!(found.last().map(Lookup::as_str), Some("xyz_ab"));
        assert!(lookups_of("kgl_0123456789ab").is_empty());
        assert_eq!(
            lookups_of("SG.ab!cdefghijklmnopqrst").len(),
            0,
            "a lookup is made of plain characters"
        );
    }
}
