//! The token a directory comes with: `kgs_`, the tenant's suffix, 43 characters of secret, 8 of checksum.
//!
//! The prefix makes it recognisable by secret scanners; the checksum (CRC-32) tells a typing error before any look-up. On record is
//! an HMAC of the secret under a key that is not in the database: 256 random bits need no slow hash, and a copy of the table is of
//! no use.
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use keepgate_kernel::{PrincipalId, TenantId, Timestamp, Uuid};

use crate::{NoRandomness, ProviderName, random};

const PREFIX: &str = "kgs_";

/// The key of the HMAC.
pub struct ScimTokenKey(hmac::Key);

/// A directory's token.
#[derive(Clone)]
pub struct ScimToken {
    tenant: TenantId,
    secret: [u8; 32],
}

/// A text that is no token of a directory, or a mistyped one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the token of a directory")]
pub struct InvalidScimToken;

/// A token to be put on record.
#[derive(Debug, Clone)]
pub struct NewScimToken {
    /// Its id.
    pub id: Uuid,
    /// Whose mapping its groups follow.
    pub provider: ProviderName,
    /// The service that the log names as actor.
    pub actor: PrincipalId,
    /// What people call it.
    pub name: String,
    /// [`ScimTokenKey::hash`].
    pub hash: [u8; 32],
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// A token as those see it who may end it: nothing of it that would let anybody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimTokenRecord {
    /// Its id.
    pub id: Uuid,
    /// Whose mapping its groups follow.
    pub provider: ProviderName,
    /// The service that the log names as actor.
    pub actor: PrincipalId,
    /// What people call it.
    pub name: String,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

/// A directory that has shown a live token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The token's id.
    pub token: Uuid,
    /// Whose mapping its groups follow.
    pub provider: ProviderName,
    /// The service that the log names as actor.
    pub actor: PrincipalId,
}

impl ScimTokenKey {
    /// A key of 32 secret bytes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// What is on record of `token`.
    #[must_use]
    pub fn hash(&self, token: &ScimToken) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&self.0, &token.secret).as_ref());
        out
    }
}

impl std::fmt::Debug for ScimTokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ScimTokenKey(..)")
    }
}

impl ScimToken {
    /// A new one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn random(tenant: TenantId) -> Result<Self, NoRandomness> {
        let secret = random::bytes()?;
        Ok(Self { tenant, secret })
    }

    /// As a directory sends it.
    ///
    /// # Errors
    /// [`InvalidScimToken`].
    pub fn parse(text: &str) -> Result<Self, InvalidScimToken> {
        let rest = text
            .strip_prefix(PREFIX)
            .filter(|rest| rest.is_ascii())
            .ok_or(InvalidScimToken)?;
        let (tenant, rest) = rest.split_once('_').ok_or(InvalidScimToken)?;
        let tenant = format!("ten_{tenant}").parse().map_err(|_| InvalidScimToken)?;
        let (secret, _) = rest.split_at_checked(43).ok_or(InvalidScimToken)?;
        let secret = BASE64URL_NOPAD
            .decode(secret.as_bytes())
            .map_err(|_| InvalidScimToken)?;
        let secret = secret.try_into().map_err(|_| InvalidScimToken)?;
        let token = Self { tenant, secret };
        if token.expose() == text {
            Ok(token)
        } else {
            Err(InvalidScimToken)
        }
    }

    /// The text, shown once.
    #[must_use]
    pub fn expose(&self) -> String {
        let tenant = self.tenant.to_string();
        let suffix = tenant.strip_prefix("ten_").unwrap_or_default();
        let body = format!("{PREFIX}{suffix}_{}", BASE64URL_NOPAD.encode(&self.secret));
        format!("{body}{:08x}", crc32fast::hash(body.as_bytes()))
    }

    /// Whose directory it is.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }
}

impl std::fmt::Debug for ScimToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScimToken")
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text_and_a_typing_error_does_not() {
        let token = ScimToken::random(TenantId::from_uuid(Uuid::from_u128(7))).unwrap();
        let (text, key) = (token.expose(), ScimTokenKey::new(&[1; 32]));
        let again = ScimToken::parse(&text).unwrap();
        assert_eq!((again.tenant(), key.hash(&again)), (token.tenant(), key.hash(&token)));
        assert_ne!(ScimTokenKey::new(&[2; 32]).hash(&token), key.hash(&token));
        for at in 0..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = if wrong[at] == b'a' { b'b' } else { b'a' };
            assert!(ScimToken::parse(std::str::from_utf8(&wrong).unwrap()).is_err(), "{at}");
        }
        for bad in ["", "kgs_", "kgs_x_y", &text[..text.len() - 1], &format!("{text}0")] {
            assert!(ScimToken::parse(bad).is_err(), "{bad}");
        }
    }
}
