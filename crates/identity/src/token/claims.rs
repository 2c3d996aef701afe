//! What a token says, and nothing else: unknown headers and claims are errors.
use keepgate_kernel::{Hat, Level, PrincipalId, PrincipalKind, SessionId, TenantId, Timestamp, UnitId};
use keepgate_policy::{Assurance, Factors};
use serde::{Deserialize, Serialize};

use super::TokenError;
use crate::SESSION_LIFE;

/// Seconds a clock may be behind ours. Nothing lives longer for it: the end has no leeway.
const LEEWAY: i64 = 5;

/// The claims of an access token. `lvl` is a ceiling: the database re-reads the live level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who issued it: one string.
    pub iss: String,
    /// Whom it is for: one string, never a list.
    pub aud: String,
    /// The principal.
    pub sub: PrincipalId,
    /// The session.
    pub sid: SessionId,
    /// The token itself.
    pub jti: String,
    /// The tenant.
    pub tid: TenantId,
    /// The level at log-in.
    pub lvl: Level,
    /// The unit at log-in, for levels 1 to 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unt: Option<UnitId>,
    /// The hat worn at log-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hat: Option<Hat>,
    /// When the principal proved who it is, seconds since 1970 (RFC 9068, section 2.2.1).
    pub auth_time: i64,
    /// How surely: `one`, `two` or `owing` factors.
    pub acr: String,
    /// The newest revocation when the session was opened: only later ones can kill it.
    #[serde(default)]
    pub rev: u64,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Not before.
    pub nbf: i64,
    /// Not at or after.
    pub exp: i64,
    /// The key that signed it, from the header.
    #[serde(skip)]
    pub kid: String,
}

impl Claims {
    /// When and how surely the principal proved who it is.
    #[must_use]
    pub fn assurance(&self) -> Option<Assurance> {
        Some(Assurance {
            at: Timestamp::from_timestamp(self.auth_time, 0)?,
            factors: Factors::parse(&self.acr)?,
        })
    }

    /// Every rule that is not about the signature.
    pub(super) fn check(&self, issuer: &str, audience: &str, at: Timestamp) -> Result<(), TokenError> {
        let now = at.timestamp();
        let life = self.exp.checked_sub(self.iat).ok_or(TokenError::Claims)?;
        let named = (1..=64).contains(&self.jti.len());
        let proved = self.auth_time <= self.iat && self.assurance().is_some();
        let system = self.sub.kind() == PrincipalKind::System;
        if self.iss != issuer
            || self.aud != audience
            || system
            || !named
            || !proved
            || !(1..=SESSION_LIFE.num_seconds()).contains(&life)
        {
            return Err(TokenError::Claims);
        }
        if self.iat > now + LEEWAY || self.nbf > now + LEEWAY {
            return Err(TokenError::NotYet);
        }
        if self.exp <= now {
            Err(TokenError::Expired)
        } else {
            Ok(())
        }
    }
}

/// The header we write, and the only one we read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StrictHeader {
    pub(super) alg: String,
    pub(super) typ: String,
    pub(super) kid: String,
}

impl StrictHeader {
    pub(super) fn is_ours(&self) -> bool {
        self.alg == "EdDSA" && self.typ == "at+jwt"
    }
}
