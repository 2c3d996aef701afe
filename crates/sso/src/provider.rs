//! A configured identity provider.
use keepgate_kernel::{Entity, PrincipalId, Timestamp, Uuid};

use crate::{Issuer, Mapping};

/// What a provider is called in its tenant, and in URLs: 1 to 40 lower-case letters, digits and hyphens, not beginning with one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderName(String);

/// Why a provider can't be used as configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProvider {
    /// Not a name.
    #[error("a name has 1 to 40 lower-case letters, digits and hyphens, and does not begin with a hyphen")]
    Name,
    /// Not a client id.
    #[error("a client id has 1 to 300 visible ASCII characters")]
    ClientId,
    /// Not the name of a claim.
    #[error("a claim's name has 1 to 100 characters")]
    GroupsClaim,
    /// Too long a secret.
    #[error("a client secret has 1 to 1,000 characters")]
    Secret,
}

impl ProviderName {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A number for its row, by which a sealed secret is bound to this name.
    #[must_use]
    pub fn row(&self) -> Uuid {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.0.as_bytes());
        let folded = digest.as_ref().iter().take(16);
        Uuid::from_u128(folded.fold(0, |bits, byte| (bits << 8) | u128::from(*byte)))
    }

    /// What an operation about it names.
    #[must_use]
    pub fn entity(&self) -> Entity {
        Entity::named("sso", &self.0)
    }
}

impl std::str::FromStr for ProviderName {
    type Err = InvalidProvider;
    fn from_str(text: &str) -> Result<Self, InvalidProvider> {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=40).contains(&text.len()) && text.bytes().all(letters) && !text.starts_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidProvider::Name)
        }
    }
}

impl std::fmt::Display for ProviderName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A provider, without its client secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its name.
    pub name: ProviderName,
    /// The issuer; no two providers of a tenant have the same.
    pub issuer: Issuer,
    /// Who we are there.
    pub client_id: String,
    /// The claim of the ID token that lists groups: an array of strings, or one string.
    pub groups_claim: Option<String>,
    /// What groups are worth.
    pub mapping: Mapping,
    /// Whether somebody unknown is made a user at the first log-in ("just in time").
    pub jit: bool,
    /// Whether the provider is believed when it says that somebody used two factors.
    pub trust_mfa: bool,
    /// The owner in whose name the mapping gives levels: whoever configured it last.
    pub configured_by: PrincipalId,
    /// When that was.
    pub updated_at: Timestamp,
}

impl Provider {
    /// The checks that no type makes.
    ///
    /// # Errors
    /// [`InvalidProvider`].
    pub fn check(&self) -> Result<(), InvalidProvider> {
        if !(1..=300).contains(&self.client_id.len()) || !self.client_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidProvider::ClientId);
        }
        let named = |claim: &String| (1..=100).contains(&claim.chars().count());
        if !self.groups_claim.as_ref().is_none_or(named) {
            return Err(InvalidProvider::GroupsClaim);
        }
        Ok(())
    }
}

/// What becomes of a client secret.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretChange {
    /// The one on record stays, provided issuer and client id stay too: a secret is never shown to another issuer.
    Keep,
    /// This one, sealed.
    Sealed(Vec<u8>),
}

impl std::fmt::Debug for SecretChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Keep => "Keep",
            Self::Sealed(_) => "Sealed(..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_into_a_url() {
        for good in ["okta", "a", "9", "corp-id-2"] {
            assert!(good.parse::<ProviderName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "A", "a/b", "a.b", &"a".repeat(41), "ä"] {
            assert!(bad.parse::<ProviderName>().is_err(), "{bad}");
        }
    }
}
