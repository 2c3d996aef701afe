//! From a bearer string to a principal.
use std::{net::IpAddr, sync::Arc};

use keepgate_kernel::{KeyId, RequestId, TenantId, Timestamp};
use keepgate_policy::{Assurance, Credential, OpContext, Principal, Scopes, Standing};
use keepgate_store::{Begin, StoreError, Transaction};
use tokio::sync::Mutex;

use crate::{
    ApiKey, ApiKeyFormat, ApiKeys, Claims, HashError, Hasher, Homes, KeyOnFile, NoRandomness, Presented,
    RevocationMirror, RevocationView, Sight, TokenError, Tokens,
    api_key::{Cache, LIFE, Verified},
    password::Verdict,
};

/// Keys verified at once; more of the same key wait for the first and find it in the cache.
const FLIGHTS: usize = 64;

/// Whom a credential stands for.
#[derive(Debug, Clone)]
pub struct Recognised {
    /// The principal.
    pub principal: Principal,
    /// The session or key.
    pub credential: Credential,
    /// How surely a session's principal proved who it is.
    pub assurance: Option<Assurance>,
    /// What a later revocation can be about: a long answer goes on looking.
    pub presented: Presented,
}

/// Why a bearer is nobody.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Neither a token nor a key of this server; mistyped, most likely.
    #[error("the credential is malformed")]
    Malformed,
    /// A signature or secret that is not ours.
    #[error("the credential is unknown")]
    Unknown,
    /// It was good once.
    #[error("the credential has expired")]
    Expired,
    /// It was revoked, or its owner or tenant may not act.
    #[error("the credential is no longer valid")]
    Revoked,
    /// The key may not be used from this address.
    #[error("the API key may not be used from this address")]
    WrongAddress,
    /// Too many keys are being verified.
    #[error("too many credentials are being verified")]
    Busy,
    /// The store, or a stored verifier, failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuthError {
    /// The stable word for audit entries and problem types.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "credential-malformed",
            Self::Unknown => "credential-unknown",
            Self::Expired => "credential-expired",
            Self::Revoked => "credential-revoked",
            Self::WrongAddress => "wrong-address",
            Self::Busy => "busy",
            Self::Store(_) => "database-unavailable",
        }
    }
}

impl From<TokenError> for AuthError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Malformed => Self::Malformed,
            TokenError::Signature | TokenError::Claims | TokenError::NotYet | TokenError::Key => Self::Unknown,
            TokenError::Expired => Self::Expired,
        }
    }
}

impl From<HashError> for AuthError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed => Self::Store(StoreError::corrupt("identity.api_key", "phc")),
        }
    }
}

/// Recognises callers. Tokens cost a signature and no database while the view of revocations is fresh; keys Argon2id once a minute.
pub struct Authenticator<Tx: ?Sized> {
    store: Arc<dyn Begin<Tx>>,
    platform: TenantId,
    tokens: Arc<Tokens>,
    keys: Arc<ApiKeyFormat>,
    hasher: Hasher,
    cache: Cache,
    flights: Vec<Mutex<()>>,
    view: Arc<dyn RevocationView>,
    door: Arc<dyn Begin<Tx>>,
}

impl<Tx: Transaction + Homes + ApiKeys + ?Sized + 'static> Authenticator<Tx> {
    /// An authenticator over `store`; `platform` is the platform's tenant, whose worker looks up where a key lives.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new(
        store: Arc<dyn Begin<Tx>>,
        platform: TenantId,
        tokens: Arc<Tokens>,
        keys: Arc<ApiKeyFormat>,
        hasher: Hasher,
    ) -> Result<Self, NoRandomness> {
        let flights = (0..FLIGHTS).map(|_| Mutex::new(())).collect();
        Ok(Self {
            door: store.clone(),
            store,
            platform,
            tokens,
            keys,
            hasher,
            cache: Cache::new()?,
            flights,
            view: Arc::new(RevocationMirror::new()),
        })
    }

    /// Asks `view` before it believes anything, and `door`, which callers enter, where the view can't tell. Without a view the
    /// database is asked about every credential.
    #[must_use]
    pub fn with_view(mut self, view: Arc<dyn RevocationView>, door: Arc<dyn Begin<Tx>>) -> Self {
        self.view = view;
        self.door = door;
        self
    }

    /// Who bears `bearer`, coming from `source`. What is returned is a claim: the database re-reads session or key, level and
    /// tenant when the first transaction begins.
    ///
    /// # Errors
    /// [`AuthError`]; nothing about a key is told to who does not know its secret.
    pub async fn authenticate(
        &self,
        bearer: &str,
        source: Option<IpAddr>,
        request: RequestId,
        at: Timestamp,
    ) -> Result<Recognised, AuthError> {
        let recognised = if bearer.starts_with("kg_") {
            self.of_key(bearer, source, request, at).await?
        } else {
            of_session(&self.tokens.verify(bearer, at)?)
        };
        match self.view.sight(&recognised.presented) {
            Sight::Live => Ok(recognised),
            Sight::Dead => Err(AuthError::Revoked),
            // Nothing that opens a transaction needs this, but then nobody has to know which requests do.
            Sight::Unknown => self.look_up(&recognised, request, at).await.map(|()| recognised),
        }
    }

    async fn of_key(
        &self,
        bearer: &str,
        source: Option<IpAddr>,
        request: RequestId,
        at: Timestamp,
    ) -> Result<Recognised, AuthError> {
        let key = self.keys.parse(bearer).map_err(|error| match error {
            crate::KeyError::Malformed | crate::KeyError::Checksum => AuthError::Malformed,
            crate::KeyError::Foreign => AuthError::Unknown,
        })?;
        let seen = self.view.seq();
        let verified = self.verified(&key, request, at).await?;
        if verified.expires_at.is_some_and(|end| end <= at) {
            return Err(AuthError::Expired);
        }
        if !verified.allows(source) {
            return Err(AuthError::WrongAddress);
        }
        let credential = Credential::ApiKey(verified.key);
        Ok(Recognised {
            presented: Presented {
                tenant: verified.principal.tenant,
                principal: verified.principal.id.uuid(),
                credential,
                kid: None,
                seen,
            },
            principal: verified.principal,
            credential,
            assurance: None,
        })
    }

    /// Asks the database's door whether the credential is alive.
    #[expect(
        clippy::disallowed_methods,
        reason = "the credential has been verified; only its life is in question"
    )]
    async fn look_up(&self, who: &Recognised, request: RequestId, at: Timestamp) -> Result<(), AuthError> {
        let context = OpContext::authenticated(who.principal.clone(), who.credential, who.assurance, None, request, at);
        self.door.begin(&context).await.map(drop).map_err(revoked)
    }

    /// Forgets verifications of a key on this instance, after it was rotated or revoked here.
    pub fn forget(&self, key: KeyId) {
        self.cache.forget(key);
    }

    async fn verified(&self, key: &ApiKey, request: RequestId, at: Timestamp) -> Result<Verified, AuthError> {
        let name = self.cache.name(key.expose());
        if let Some(hit) = self.cache.get(&name, at) {
            return Ok(hit);
        }
        let flight = self.flights.get(usize::from(name[0]) % FLIGHTS);
        let _flight = match flight {
            Some(flight) => Some(flight.lock().await),
            None => None,
        };
        if let Some(hit) = self.cache.get(&name, at) {
            return Ok(hit);
        }
        let (file, until) = self.compare(key, request, at).await?;
        let level = file.level.filter(|_| !file.revoked).ok_or(AuthError::Revoked)?;
        let principal = Principal {
            id: file.service,
            tenant: file.tenant,
            standing: Standing::Level(level),
            unit: file.unit,
            scopes: file.scopes,
            hat: None,
        };
        let fresh_until = until.map_or(at + LIFE, |until| until.min(at + LIFE));
        let verified = Verified {
            key: key.id(),
            principal,
            allowed_cidrs: file.allowed_cidrs,
            expires_at: file.expires_at,
            fresh_until,
        };
        self.touch(key.id(), file.tenant, request, at).await;
        self.cache.put(name, verified.clone(), at);
        Ok(verified)
    }

    /// The key on file, once its secret, or the one before a rotation, has matched; and until when that one works.
    async fn compare(
        &self,
        key: &ApiKey,
        request: RequestId,
        at: Timestamp,
    ) -> Result<(KeyOnFile, Option<Timestamp>), AuthError> {
        let mut tx = self
            .store
            .begin(&OpContext::system(self.platform, request, at))
            .await
            .map_err(revoked)?;
        let home = tx.home_of_key(key.id()).await?.ok_or(AuthError::Unknown)?;
        drop(tx);
        let mut tx = self
            .store
            .begin(&OpContext::system(home, request, at))
            .await
            .map_err(revoked)?;
        let file = tx.key_on_file(key.id()).await?.ok_or(AuthError::Unknown)?;
        drop(tx); // no connection is held while hashing
        if matches!(
            self.hasher.verify(key.secret(), Some(&file.phc)).await?,
            Verdict::Right { .. }
        ) {
            return Ok((file, None));
        }
        let old = file
            .old
            .as_ref()
            .filter(|old| at < old.until)
            .ok_or(AuthError::Unknown)?;
        match self.hasher.verify(key.secret(), Some(&old.phc)).await? {
            Verdict::Right { .. } => Ok((file.clone(), Some(old.until))),
            Verdict::Wrong => Err(AuthError::Unknown),
        }
    }

    /// When a key was last used is worth knowing, but no request fails for it.
    #[expect(
        clippy::disallowed_methods,
        reason = "bookkeeping: no operation of anybody, so there is no entry to write"
    )]
    async fn touch(&self, key: KeyId, home: TenantId, request: RequestId, at: Timestamp) {
        let Ok(mut tx) = self.store.begin(&OpContext::system(home, request, at)).await else {
            return;
        };
        if tx.touch_api_key(key).await.is_ok() {
            let _unrecorded = tx.commit().await;
        }
    }
}

impl<Tx: ?Sized> std::fmt::Debug for Authenticator<Tx> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator")
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}

/// A worker is refused where its tenant is suspended.
fn revoked(error: StoreError) -> AuthError {
    match error {
        StoreError::Revoked => AuthError::Revoked,
        other => AuthError::Store(other),
    }
}

fn of_session(claims: &Claims) -> Recognised {
    let credential = Credential::Session(claims.sid);
    Recognised {
        principal: Principal {
            id: claims.sub,
            tenant: claims.tid,
            standing: Standing::Level(claims.lvl),
            unit: claims.unt,
            scopes: Scopes::All,
            hat: claims.hat,
        },
        credential,
        assurance: claims.assurance(),
        presented: Presented {
            tenant: claims.tid,
            principal: claims.sub.uuid(),
            credential,
            kid: Some(claims.kid.clone()),
            seen: claims.rev,
        },
    }
}
