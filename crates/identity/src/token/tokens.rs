//! Issuing and verifying.
use std::sync::{Arc, PoisonError, RwLock};

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, Header, Validation};
use keepgate_kernel::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::{Claims, Jwks, KeyRing, claims::StrictHeader};
use crate::{LoggedIn, SESSION_LIFE, random};

/// A token longer than this is refused before a byte of it is decoded.
const LONGEST: usize = 4096;

/// Why a token is worth nothing, or could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Too long, not three parts, or a header that is not exactly ours.
    #[error("not an access token")]
    Malformed,
    /// No key of ours made the signature.
    #[error("the signature is not ours")]
    Signature,
    /// Claims missing, wrong, doubled, unknown, or a life of more than eight hours.
    #[error("the claims are not ours")]
    Claims,
    /// From the future.
    #[error("the token is not valid yet")]
    NotYet,
    /// Past its end.
    #[error("the token has expired")]
    Expired,
    /// The key or the randomness failed.
    #[error("no token could be made")]
    Key,
}

/// A token and how long it lives.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The token.
    pub token: SecretString,
    /// Seconds until it ends.
    pub expires_in: i64,
}

impl AccessToken {
    /// The token, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.token.expose_secret()
    }
}

/// One issuer for one audience. Its ring can be exchanged while it works.
#[derive(Debug)]
pub struct Tokens {
    ring: RwLock<Arc<KeyRing>>,
    issuer: String,
    audience: String,
}

impl Tokens {
    /// Issues and accepts tokens of `issuer` for `audience` only.
    #[must_use]
    pub fn new(ring: KeyRing, issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            ring: RwLock::new(Arc::new(ring)),
            issuer: issuer.into(),
            audience: audience.into(),
        }
    }

    /// Signs and verifies with `ring` from now on.
    pub fn turn(&self, ring: KeyRing) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }

    fn ring(&self) -> Arc<KeyRing> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The public keys that verify `at` an instant.
    #[must_use]
    pub fn jwks(&self, at: Timestamp) -> Jwks {
        Jwks::of(&self.ring(), at)
    }

    /// The token of a session that was opened `at` or a moment before.
    ///
    /// # Errors
    /// [`TokenError::Key`].
    pub fn issue(&self, session: &LoggedIn, at: Timestamp) -> Result<AccessToken, TokenError> {
        let (ring, iat) = (self.ring(), at.timestamp());
        let exp = session.expires_at.timestamp().min(iat + SESSION_LIFE.num_seconds());
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: session.principal,
            sid: session.session,
            jti: BASE64URL_NOPAD.encode(&random::bytes::<16>().map_err(|_| TokenError::Key)?),
            tid: session.tenant,
            lvl: session.level,
            unt: session.unit,
            hat: session.hat,
            auth_time: iat,
            acr: session.factors.as_str().to_owned(),
            rev: session.rev,
            iat,
            nbf: iat,
            exp,
            kid: String::new(),
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(ring.active_kid().to_owned());
        let token = jsonwebtoken::encode(&header, &claims, &ring.active).map_err(|_| TokenError::Key)?;
        Ok(AccessToken {
            token: token.into(),
            expires_in: exp - iat,
        })
    }

    /// What `token` says, if it is ours and lives `at` this instant. Whether its session does is the database's to say.
    ///
    /// # Errors
    /// [`TokenError`] names the first rule that fails.
    pub fn verify(&self, token: &str, at: Timestamp) -> Result<Claims, TokenError> {
        let header = strict_header(token)?;
        let ring = self.ring();
        let key = ring.find(&header.kid, at).ok_or(TokenError::Signature)?;
        let mut claims = jsonwebtoken::decode::<Claims>(token, key, &self.validation())
            .map_err(|error| reason(&error))?
            .claims;
        claims.check(&self.issuer, &self.audience, at)?;
        claims.kid = header.kid;
        Ok(claims)
    }

    /// Times are ours to check, because the clock is a parameter; everything else is checked twice.
    fn validation(&self) -> Validation {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.set_audience(&[&self.audience]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        validation
    }
}

/// Three parts of plain base64url, and a header with our three members and no other.
fn strict_header(token: &str) -> Result<StrictHeader, TokenError> {
    if token.len() > LONGEST {
        return Err(TokenError::Malformed);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(TokenError::Malformed);
    };
    let header = BASE64URL_NOPAD
        .decode(header.as_bytes())
        .map_err(|_| TokenError::Malformed)?;
    let header: StrictHeader = serde_json::from_slice(&header).map_err(|_| TokenError::Malformed)?;
    if header.is_ours() {
        Ok(header)
    } else {
        Err(TokenError::Malformed)
    }
}

fn reason(error: &jsonwebtoken::errors::Error) -> TokenError {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => TokenError::Signature,
        ErrorKind::Base64(_) | ErrorKind::InvalidToken | ErrorKind::Utf8(_) => TokenError::Malformed,
        _ => TokenError::Claims,
    }
}
