//! The ID token's rules. Sources: OpenID Connect Core 1.0, 3.1.3.7 and 3.1.3.8; RFC 8725.
use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, Validation};
use keepgate_kernel::Timestamp;
use secrecy::ExposeSecret;
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::{
    authorize::MAX_AGE,
    claims::{Claims, Factor, Verified},
    exchange::Tokens,
    keys::{ALGORITHMS, Keys},
};
use crate::{Provider, Ticket};

/// How far a provider's clock may be off, in seconds.
const SKEW: i64 = 60;
/// How old an ID token may be that was made for a code of just now, in seconds.
const AGE: i64 = 600;
/// The longest token that is looked at, in bytes.
const LENGTH: usize = 32 * 1024;

/// Which rule an ID token breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It is no JWT, too long, or lacks a claim.
    #[error("the ID token is malformed")]
    Malformed,
    /// Signed with something else than a public key, or not at all.
    #[error("the ID token's algorithm is not accepted")]
    Algorithm,
    /// Signed with a key the provider does not publish.
    #[error("the ID token's key is unknown")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the ID token's signature is wrong")]
    Signature,
    /// Another issuer's.
    #[error("the ID token comes from another issuer")]
    Issuer,
    /// For somebody else, or not for us alone.
    #[error("the ID token is for another client")]
    Audience,
    /// Another log-in's.
    #[error("the ID token belongs to another log-in")]
    Nonce,
    /// Expired, or not yet valid, or too old.
    #[error("the ID token's time is over")]
    Expired,
    /// It does not go with the access token it came with.
    #[error("the ID token does not go with its access token")]
    AccessToken,
    /// The person proved who they are too long ago, or the provider does not say when.
    #[error("the identity provider does not say that somebody has just logged in")]
    TooLongAgo,
}

impl BadToken {
    /// The stable word for audit entries and problem types.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "id-token-malformed",
            Self::Algorithm => "id-token-algorithm",
            Self::UnknownKey => "id-token-key-unknown",
            Self::Signature => "id-token-signature",
            Self::Issuer => "id-token-issuer",
            Self::Audience => "id-token-audience",
            Self::Nonce => "id-token-nonce",
            Self::Expired => "id-token-expired",
            Self::AccessToken => "id-token-access-token",
            Self::TooLongAgo => "log-in-too-long-ago",
        }
    }
}

/// What a token is held against.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) provider: &'a Provider,
    pub(super) ticket: &'a Ticket,
    pub(super) at: Timestamp,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

pub(super) fn id_token(tokens: &Tokens, keys: &Keys, rules: Rules<'_>) -> Result<Verified, BadToken> {
    let token = tokens.id_token.expose_secret();
    let (algorithm, id) = header(token)?;
    let key = keys.find(id.as_deref(), algorithm).ok_or(BadToken::UnknownKey)?;
    let mut validation = Validation::new(algorithm);
    // Signature only: the claims are checked below, against the clock of the request.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .map_err(|error| match error.kind() {
            jsonwebtoken::errors::ErrorKind::Json(_) => BadToken::Malformed,
            _ => BadToken::Signature,
        })?
        .claims;
    check(&claims, rules)?;
    if let Some(hash) = &claims.at_hash {
        let wanted = half_hash(tokens.access_token.expose_secret(), algorithm);
        if !bool::from(hash.as_bytes().ct_eq(wanted.as_bytes())) {
            return Err(BadToken::AccessToken);
        }
    }
    Ok(verified(claims, rules.provider))
}

/// Algorithm and key id, read before anything is believed.
fn header(token: &str) -> Result<(Algorithm, Option<String>), BadToken> {
    let mut parts = token.split('.');
    let (Some(head), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(BadToken::Malformed);
    };
    if token.len() > LENGTH {
        return Err(BadToken::Malformed);
    }
    let bytes = BASE64URL_NOPAD
        .decode(head.as_bytes())
        .map_err(|_| BadToken::Malformed)?;
    let header: Header = serde_json::from_slice(&bytes).map_err(|_| BadToken::Malformed)?;
    // Nothing that must be understood is understood here (RFC 7515 section 4.1.11).
    if header.crit.is_some() {
        return Err(BadToken::Malformed);
    }
    let algorithm = ALGORITHMS.into_iter().find(|known| format!("{known:?}") == header.alg);
    Ok((algorithm.ok_or(BadToken::Algorithm)?, header.kid))
}

fn check(claims: &Claims, Rules { provider, ticket, at }: Rules<'_>) -> Result<(), BadToken> {
    let now = at.timestamp();
    if claims.iss != provider.issuer.as_str() {
        return Err(BadToken::Issuer);
    }
    let azp = claims.azp.as_ref().is_none_or(|azp| *azp == provider.client_id);
    if !claims.aud.is_only(&provider.client_id) || !azp {
        return Err(BadToken::Audience);
    }
    if !claims.nonce.as_deref().is_some_and(|nonce| ticket.is_nonce(nonce)) {
        return Err(BadToken::Nonce);
    }
    let born = (now.saturating_sub(AGE)..=now.saturating_add(SKEW)).contains(&claims.iat);
    let begun = claims.nbf.is_none_or(|nbf| nbf <= now.saturating_add(SKEW));
    if claims.exp <= now.saturating_sub(SKEW) || !born || !begun {
        return Err(BadToken::Expired);
    }
    let since = now.saturating_sub(MAX_AGE + SKEW)..=now.saturating_add(SKEW);
    if !claims.auth_time.is_some_and(|time| since.contains(&time)) {
        return Err(BadToken::TooLongAgo);
    }
    let letters = claims.sub.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if !(1..=255).contains(&claims.sub.len()) || !letters {
        return Err(BadToken::Malformed);
    }
    Ok(())
}

/// The left half of a hash, in base64url (OpenID Connect Core 3.1.3.6).
fn half_hash(token: &str, algorithm: Algorithm) -> String {
    let hash = match algorithm {
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => &SHA384,
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::EdDSA => &SHA512,
        _ => &SHA256,
    };
    let hash = digest(hash, token.as_bytes());
    let half = hash.as_ref().get(..hash.as_ref().len() / 2).unwrap_or_default();
    BASE64URL_NOPAD.encode(half)
}

fn verified(claims: Claims, provider: &Provider) -> Verified {
    let groups = provider
        .groups_claim
        .as_deref()
        .map_or_else(Vec::new, |claim| claims.strings(claim));
    let factor = if provider.trust_mfa && claims.two_factors() {
        Factor::Two
    } else {
        Factor::One
    };
    Verified {
        issuer: provider.issuer.clone(),
        subject: claims.sub,
        groups,
        factor,
        email: claims.email.filter(|_| claims.email_verified),
        name: claims.name,
    }
}

#[cfg(test)]
mod tests;
