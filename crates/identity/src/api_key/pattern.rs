//! What scanners for leaked secrets need to know: published, so that they find a key and can tell a real one from a lookalike
//! without asking anybody.
use serde::Serialize;

/// How keys look, and how a scanner tells a key from a text that only looks like one.
#[derive(Debug, Serialize)]
pub struct KeyPattern {
    /// Of this document.
    pub version: u8,
    /// The forms of a key.
    pub kinds: [KeyKind; 2],
    /// How the last six characters follow from the others.
    pub checksum: Checksum,
    /// Where a found key is reported, which revokes it.
    pub report: &'static str,
}

/// One form.
#[derive(Debug, Serialize)]
pub struct KeyKind {
    /// Its name.
    pub name: &'static str,
    /// A regular expression that PCRE, RE2, Python, JavaScript and Rust read alike.
    pub regex: &'static str,
    /// What a quick search looks for first.
    pub keywords: [&'static str; 2],
    /// An example with a right checksum that no server made.
    pub example: &'static str,
}

/// The rule of the checksum.
#[derive(Debug, Serialize)]
pub struct Checksum {
    /// The function.
    pub algorithm: &'static str,
    /// Over what.
    pub over: &'static str,
    /// How the number is written.
    pub encoding: &'static str,
    /// The digits.
    pub alphabet: &'static str,
}

impl KeyPattern {
    /// The pattern of this version's keys, and of those it still accepts.
    #[must_use]
    pub const fn published() -> Self {
        Self {
            version: 1,
            kinds: [
                KeyKind {
                    name: "keepgate-api-key",
                    regex: r"\bkg[lt]_[0-9A-Za-z]{12}_[0-9A-Za-z]{60}\b",
                    keywords: ["kgl_", "kgt_"],
                    example: "kgl_000000000000_EXAMPLE000000000000000000000000000000000000000000000001MTKiH",
                },
                KeyKind {
                    name: "keepgate-api-key-first-form",
                    regex: r"\bkg_(?:live|test)_[0-7][0-9a-hjkmnp-tv-z]{25}_[0-9A-Za-z]{60}\b",
                    keywords: ["kg_live_", "kg_test_"],
                    example: "kg_live_00000000000000000000000000_EXAMPLE000000000000000000000000000000000000000000000000U7goM",
                },
            ],
            checksum: Checksum {
                algorithm: "CRC-32/ISO-HDLC",
                over: "every character before the last six",
                encoding: "the last six characters: the checksum as a base62 number, most significant digit first, padded with 0",
                alphabet: "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            },
            report: "POST /v1/api-keys:report-leak",
        }
    }
}

#[cfg(test)]
mod tests {
    use keepgate_kernel::KeyId;

    use super::*;
    use crate::{ApiKeyFormat, Environment, KeyError, base62};

    fn lengths(text: &str) -> Vec<usize> {
        text.split('_').map(str::len).collect()
    }

    #[test]
    fn the_examples_have_the_form_and_the_checksum_of_real_keys_and_no_server_s_mark() {
        let format = ApiKeyFormat::new(Environment::Live, &[3; 32]);
        let id = KeyId::new("2026-01-02T03:04:05Z".parse().unwrap());
        let real = [format.mint(id).unwrap(), format.mint_first_form(id).unwrap()];
        for (kind, real) in KeyPattern::published().kinds.iter().zip(real) {
            assert_eq!(lengths(kind.example), lengths(real.expose()), "{}", kind.name);
            let (body, sum) = kind.example.split_at(kind.example.len() - 6);
            assert_eq!(base62::checksum(body), sum, "{}", kind.name);
            assert_eq!(format.parse(kind.example).unwrap_err(), KeyError::Foreign);
            assert!(kind.keywords.iter().any(|word| real.expose().starts_with(word)));
        }
    }
}
