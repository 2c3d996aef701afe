//! The form of a key: `kg_<env>_<id>_<secret><checksum>`.
//!
//! The id is the 26 characters of a TypeID. The secret is 43 base62 digits of 256 random bits followed by 11 of the server's
//! own mark: HMAC-SHA256 over all before, cut to 64 bits. The checksum is the CRC-32 of all before, in 6 digits. So a typing
//! error costs nothing and a guess costs one HMAC: neither reaches the database or Argon2id.
use aws_lc_rs::hmac;
use keepgate_kernel::KeyId;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::{NoRandomness, base62, random};

const ID: usize = 26;
const RANDOM: usize = 43;
const MARK: usize = 11;
const CHECKSUM: usize = 6;

/// What a key is for, visible in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Production.
    Live,
    /// Anything else.
    Test,
}

impl Environment {
    const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

/// A key of the right form, bearing this server's mark. Whether it is on record is another question. Debug shows its id only.
#[derive(Clone)]
pub struct ApiKey {
    id: KeyId,
    text: SecretString,
    secret: SecretString,
}

impl ApiKey {
    /// Its id.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The whole key, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// The part that is hashed and kept.
    #[must_use]
    pub const fn secret(&self) -> &SecretString {
        &self.secret
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a text is not a key of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the form of a key.
    #[error("not the form of an API key")]
    Malformed,
    /// The form of a key, mistyped.
    #[error("the checksum of the API key is wrong")]
    Checksum,
    /// Not made here: guessed, from another server, or for another environment.
    #[error("the API key was not made by this server")]
    Foreign,
}

/// Makes and reads the keys of one server.
pub struct ApiKeyFormat {
    environment: Environment,
    mark: hmac::Key,
}

impl ApiKeyFormat {
    /// `mark_key` is 32 secret bytes that every instance shares; with another one, all keys made before are foreign.
    #[must_use]
    pub fn new(environment: Environment, mark_key: &[u8; 32]) -> Self {
        Self {
            environment,
            mark: hmac::Key::new(hmac::HMAC_SHA256, mark_key),
        }
    }

    /// A fresh secret for the key `id`.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn mint(&self, id: KeyId) -> Result<ApiKey, NoRandomness> {
        let secret = base62::encode::<RANDOM>(&random::bytes::<32>()?);
        let name = id.to_string();
        let suffix = name.split_once('_').map_or("", |(_, suffix)| suffix);
        let body = format!("kg_{}_{suffix}_{secret}", self.environment.word());
        let marked = format!("{body}{}", self.mark(&body));
        let text = format!("{marked}{}", base62::checksum(&marked));
        Ok(ApiKey {
            id,
            text: text.into(),
            secret: secret.into(),
        })
    }

    /// Reads a key: form, then checksum, then mark.
    ///
    /// # Errors
    /// [`KeyError`] names the first that fails.
    pub fn parse(&self, text: &str) -> Result<ApiKey, KeyError> {
        let (id, secret) = split(text).ok_or(KeyError::Malformed)?;
        let (marked, sum) = text
            .split_at_checked(text.len() - CHECKSUM)
            .ok_or(KeyError::Malformed)?;
        if base62::checksum(marked) != sum {
            return Err(KeyError::Checksum);
        }
        let (body, mark) = marked
            .split_at_checked(marked.len() - MARK)
            .ok_or(KeyError::Malformed)?;
        let ours = text.get(3..7) == Some(self.environment.word());
        if !ours || !bool::from(self.mark(body).as_bytes().ct_eq(mark.as_bytes())) {
            return Err(KeyError::Foreign);
        }
        Ok(ApiKey {
            id,
            text: text.into(),
            secret: secret.into(),
        })
    }

    fn mark(&self, body: &str) -> String {
        let tag = hmac::sign(&self.mark, body.as_bytes());
        base62::encode::<MARK>(tag.as_ref().get(..8).unwrap_or_default())
    }
}

impl std::fmt::Debug for ApiKeyFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKeyFormat")
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

/// Id and random part, if every piece has its length and alphabet.
fn split(text: &str) -> Option<(KeyId, &str)> {
    let rest = text.strip_prefix("kg_")?;
    let rest = rest.strip_prefix("live_").or_else(|| rest.strip_prefix("test_"))?;
    let (suffix, digits) = rest.split_once('_')?;
    if suffix.len() != ID || digits.len() != RANDOM + MARK + CHECKSUM || !base62::is_base62(digits) {
        return None;
    }
    let id = format!("{}_{suffix}", KeyId::PREFIX).parse().ok()?;
    Some((id, digits.get(..RANDOM)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format() -> ApiKeyFormat {
        ApiKeyFormat::new(Environment::Live, &[3; 32])
    }

    fn key() -> ApiKey {
        format()
            .mint(KeyId::new("2026-01-02T03:04:05Z".parse().unwrap()))
            .unwrap()
    }

    /// A guess with everything right that anybody can compute.
    fn guess(text: &str) -> String {
        let body = &text[..text.len() - CHECKSUM];
        format!("{body}{}", base62::checksum(body))
    }

    #[test]
    fn a_key_reads_back() {
        let key = key();
        let read = format().parse(key.expose()).unwrap();
        assert_eq!(
            (read.id(), read.secret().expose_secret()),
            (key.id(), key.secret().expose_secret())
        );
        assert!(key.expose().starts_with("kg_live_"));
        assert_eq!(key.expose().len(), 8 + 26 + 1 + 43 + 11 + 6);
    }

    #[test]
    fn any_single_mistyped_character_is_noticed() {
        let key = key();
        for place in 0..key.expose().len() {
            let mut text = key.expose().as_bytes().to_vec();
            text[place] = if text[place] == b'x' { b'y' } else { b'x' };
            assert!(
                matches!(
                    format().parse(&String::from_utf8(text).unwrap()),
                    Err(KeyError::Malformed | KeyError::Checksum)
                ),
                "place {place}"
            );
        }
    }

    #[test]
    fn a_guess_with_a_right_checksum_lacks_the_mark() {
        let key = key();
        let mut text = key.expose().to_owned();
        let first = 8 + 26 + 1; // where the secret begins
        let other = if text[first..].starts_with('0') { "1" } else { "0" };
        text.replace_range(first..=first, other);
        assert_eq!(format().parse(&guess(&text)).unwrap_err(), KeyError::Foreign);
    }

    #[test]
    fn another_server_s_and_another_environment_s_keys_are_foreign() {
        let key = key();
        assert_eq!(
            ApiKeyFormat::new(Environment::Live, &[4; 32])
                .parse(key.expose())
                .unwrap_err(),
            KeyError::Foreign
        );
        assert_eq!(
            ApiKeyFormat::new(Environment::Test, &[3; 32])
                .parse(key.expose())
                .unwrap_err(),
            KeyError::Foreign
        );
        let relabelled = guess(&key.expose().replace("kg_live_", "kg_test_"));
        assert_eq!(
            ApiKeyFormat::new(Environment::Test, &[3; 32])
                .parse(&relabelled)
                .unwrap_err(),
            KeyError::Foreign
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = key();
        let shown = format!("{key:?} {:?}", format());
        assert!(!shown.contains(key.secret().expose_secret()));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_fall(text in "(kg_(live|test)_)?[0-9a-zA-Z_é]{0,120}") {
            proptest::prop_assert!(format().parse(&text).is_err());
        }
    }
}
