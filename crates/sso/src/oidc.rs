//! The relying party: discovery, authorisation request with PKCE, token exchange, verification of the ID token.
//!
//! The protocol's requests and answers are those of the crate `oauth2`; signatures are checked by `jsonwebtoken` on the provider of
//! cryptography that the rest of the service uses. The rules of the ID token (OpenID Connect Core 3.1.3.7) are in `verify`.
mod authorize;
mod claims;
mod exchange;
mod fetch;
mod keys;
mod metadata;
mod verify;

use std::{collections::HashMap, sync::Arc, time::Duration};

use keepgate_kernel::Timestamp;
use secrecy::SecretString;
use tokio::sync::Mutex;
use url::Url;

use crate::{Issuer, Provider, State, Ticket};

pub use claims::{Factor, Verified};
pub use fetch::{Fetch, FetchError, HttpRequest, HttpResponse};
use keys::Keys;
pub use metadata::Metadata;
pub use verify::BadToken;

/// How long metadata and keys are believed.
const FRESH: Duration = Duration::from_mins(15);
/// How often an unknown key may make us ask for the keys again.
const REFRESH: Duration = Duration::from_mins(1);
/// How many issuers are remembered.
const ISSUERS: usize = 1_000;

/// Why a provider's answer can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// It did not answer, or not in the way it should.
    #[error("the identity provider does not answer as it should")]
    Unavailable,
    /// It calls itself something else.
    #[error("the identity provider's metadata belongs to another issuer")]
    ForeignMetadata,
    /// The response came from another issuer than the log-in went to (RFC 9207).
    #[error("the answer comes from another issuer")]
    MixUp,
    /// It refused the code.
    #[error("the identity provider refused the code")]
    CodeRefused,
    /// The ID token breaks a rule.
    #[error(transparent)]
    Token(#[from] BadToken),
}

impl OidcError {
    /// The stable word for audit entries and problem types.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unavailable => "identity-provider-unavailable",
            Self::ForeignMetadata => "foreign-metadata",
            Self::MixUp => "issuer-mix-up",
            Self::CodeRefused => "code-refused",
            Self::Token(bad) => bad.reason(),
        }
    }
}

impl From<FetchError> for OidcError {
    fn from(_error: FetchError) -> Self {
        Self::Unavailable
    }
}

/// What is remembered of an issuer.
#[derive(Debug, Clone)]
struct Known {
    metadata: Arc<Metadata>,
    keys: Arc<Keys>,
    at: Timestamp,
}

/// Talks to identity providers. Remembers metadata and keys of each issuer for a while.
pub struct RelyingParty {
    http: Arc<dyn Fetch>,
    redirect: Url,
    known: Mutex<HashMap<Issuer, Known>>,
}

/// What the callback brought, besides the state.
#[derive(Debug, Clone)]
pub struct Callback {
    /// The authorisation code.
    pub code: SecretString,
    /// `iss` of the response (RFC 9207).
    pub issuer: Option<String>,
}

impl RelyingParty {
    /// A relying party to whom providers send people back at `redirect`.
    #[must_use]
    pub fn new(http: Arc<dyn Fetch>, redirect: Url) -> Self {
        Self {
            http,
            redirect,
            known: Mutex::new(HashMap::new()),
        }
    }

    /// Where to send somebody who wants to log in (RFC 6749 section 4.1.1, with PKCE S256, nonce and `max_age`).
    ///
    /// # Errors
    /// [`OidcError::Unavailable`] and [`OidcError::ForeignMetadata`].
    pub async fn begin(
        &self,
        provider: &Provider,
        state: &State,
        ticket: &Ticket,
        at: Timestamp,
    ) -> Result<Url, OidcError> {
        let known = self.known(&provider.issuer, at).await?;
        Ok(authorize::url(provider, &known.metadata, &self.redirect, state, ticket))
    }

    /// Exchanges the code and verifies what comes back.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn finish(
        &self,
        provider: &Provider,
        secret: Option<&SecretString>,
        callback: &Callback,
        ticket: &Ticket,
        at: Timestamp,
    ) -> Result<Verified, OidcError> {
        let known = self.known(&provider.issuer, at).await?;
        known.metadata.check_response_issuer(callback.issuer.as_deref())?;
        let tokens = exchange::code(
            &*self.http,
            provider,
            &known.metadata,
            secret,
            &self.redirect,
            &callback.code,
            ticket,
        )
        .await?;
        let rules = verify::Rules { provider, ticket, at };
        match verify::id_token(&tokens, &known.keys, rules) {
            // Keys are exchanged from time to time: look once more, but not for every token that claims so.
            Err(BadToken::UnknownKey) if at >= known.at + REFRESH => {
                let keys = self.refresh(&provider.issuer, at).await?;
                Ok(verify::id_token(&tokens, &keys, rules)?)
            }
            other => Ok(other?),
        }
    }

    async fn known(&self, issuer: &Issuer, at: Timestamp) -> Result<Known, OidcError> {
        let remembered = self.known.lock().await.get(issuer).cloned();
        if let Some(known) = remembered.filter(|known| at < known.at + FRESH) {
            return Ok(known);
        }
        let metadata = Arc::new(Metadata::fetch(&*self.http, issuer).await?);
        let keys = Arc::new(Keys::fetch(&*self.http, &metadata.jwks_uri).await?);
        let known = Known { metadata, keys, at };
        let mut all = self.known.lock().await;
        if all.len() >= ISSUERS {
            all.clear();
        }
        all.insert(issuer.clone(), known.clone());
        Ok(known)
    }

    async fn refresh(&self, issuer: &Issuer, at: Timestamp) -> Result<Arc<Keys>, OidcError> {
        self.known.lock().await.remove(issuer);
        Ok(self.known(issuer, at).await?.keys)
    }
}

impl std::fmt::Debug for RelyingParty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RelyingParty")
            .field("redirect", &self.redirect.as_str())
            .finish_non_exhaustive()
    }
}
