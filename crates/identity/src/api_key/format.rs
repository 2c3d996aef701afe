//! The form of a key: `kgl_<id>_<secret><mark><checksum>`, or `kgt_…` where it is not production.
//!
//! The id is a [`Handle`], 12 digits. The secret is 43 base62 digits of 256 random bits. The mark is the server's own: 11 digits of
//! HMAC-SHA256 over all before, cut to 64 bits. The checksum is the CRC-32 of all before, in 6 digits. So a typing error costs
//! nothing and a guess costs one HMAC: neither reaches the database or Argon2id.
//!
//! Keys of the first form, `kg_live_<26 characters of the id>_<secret><mark><checksum>`, are read and no longer made.
use aws_lc_rs::hmac;
use keepgate_kernel::KeyId;
use secrecy::SecretString;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::handle::Handle;
use crate::{NoRandomness, base62, random};

#[cfg(test)]
mod tests;

const SUFFIX: usize = 26;
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
    /// What the text of a key begins with.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Live => "kgl_",
            Self::Test => "kgt_",
        }
    }

    /// The same, in the first form.
    const fn first_prefix(self) -> &'static str {
        match self {
            Self::Live => "kg_live_",
            Self::Test => "kg_test_",
        }
    }
}

/// A key just made, to be shown this once. Debug shows its id only.
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
        secrecy::ExposeSecret::expose_secret(&self.text)
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

/// What a presented key calls itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyName {
    /// The whole id, in keys of the first form.
    Id(KeyId),
    /// The short one.
    Handle(Handle),
}

/// A text of the right form, bearing this server's mark. Whether it is on record is another question. Debug shows its name only.
pub struct PresentedKey {
    name: KeyName,
    secret: SecretString,
}

impl PresentedKey {
    /// What it calls itself.
    #[must_use]
    pub const fn name(&self) -> KeyName {
        self.name
    }

    /// The part that is compared with what is on record.
    #[must_use]
    pub const fn secret(&self) -> &SecretString {
        &self.secret
    }
}

impl std::fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PresentedKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
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
        let handle = Handle::of(id);
        self.minted(id, format_args!("{}{}_", self.environment.prefix(), handle.as_str()))
    }

    /// The same in the first form, which no service makes any more: so that tests can hold keys of it.
    ///
    /// # Errors
    /// [`NoRandomness`].
    #[doc(hidden)]
    pub fn mint_first_form(&self, id: KeyId) -> Result<ApiKey, NoRandomness> {
        let name = id.to_string();
        let suffix = name.split_once('_').map_or("", |(_, suffix)| suffix);
        self.minted(id, format_args!("{}{suffix}_", self.environment.first_prefix()))
    }

    fn minted(&self, id: KeyId, head: std::fmt::Arguments<'_>) -> Result<ApiKey, NoRandomness> {
        let mut bytes = random::bytes::<32>()?;
        let secret = base62::encode::<RANDOM>(&bytes);
        bytes.zeroize();
        // Of its final size at once: a text that grows leaves copies behind.
        let mut text = String::with_capacity(128);
        text.push_str(&head.to_string());
        text.push_str(&secret);
        text.push_str(&self.mark(&text));
        text.push_str(&base62::checksum(&text));
        Ok(ApiKey {
            id,
            text: text.into(),
            secret: secret.into(),
        })
    }

    /// Whether `text` begins as a key of Keepgate does, this server's or another's.
    #[must_use]
    pub fn claims(text: &str) -> bool {
        ["kgl_", "kgt_", "kg_"].iter().any(|prefix| text.starts_with(prefix))
    }

    /// Reads a key: form, then checksum, then mark.
    ///
    /// # Errors
    /// [`KeyError`] names the first that fails.
    pub fn parse(&self, text: &str) -> Result<PresentedKey, KeyError> {
        let (environment, name, secret) = split(text).ok_or(KeyError::Malformed)?;
        let (marked, sum) = text
            .split_at_checked(text.len() - CHECKSUM)
            .ok_or(KeyError::Malformed)?;
        if base62::checksum(marked) != sum {
            return Err(KeyError::Checksum);
        }
        let (body, mark) = marked
            .split_at_checked(marked.len() - MARK)
            .ok_or(KeyError::Malformed)?;
        let ours = environment == self.environment;
        if !ours || !bool::from(self.mark(body).as_bytes().ct_eq(mark.as_bytes())) {
            return Err(KeyError::Foreign);
        }
        Ok(PresentedKey {
            name,
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

/// What it is for, its name and its random part, if every piece has its length and alphabet.
fn split(text: &str) -> Option<(Environment, KeyName, &str)> {
    for environment in [Environment::Live, Environment::Test] {
        if let Some(rest) = text.strip_prefix(environment.prefix()) {
            let (handle, digits) = rest.split_once('_')?;
            return Some((
                environment,
                KeyName::Handle(Handle::parse(handle)?),
                random_part(digits)?,
            ));
        }
        if let Some(rest) = text.strip_prefix(environment.first_prefix()) {
            let (suffix, digits) = rest.split_once('_')?;
            let id = format!("{}_{suffix}", KeyId::PREFIX);
            let id = id.parse().ok().filter(|_| suffix.len() == SUFFIX)?;
            return Some((environment, KeyName::Id(id), random_part(digits)?));
        }
    }
    None
}

fn random_part(digits: &str) -> Option<&str> {
    let whole = digits.len() == RANDOM + MARK + CHECKSUM && base62::is_base62(digits);
    digits.get(..RANDOM).filter(|_| whole)
}
