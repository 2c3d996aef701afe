//! From a bearer string to a principal.
mod compare;
mod error;
mod guesses;

use std::{net::IpAddr, sync::Arc};

use keepgate_kernel::{KeyId, PrincipalId, RequestId, TenantId, Timestamp};
use keepgate_policy::{Assurance, Credential, OpContext, Principal, Scopes, Standing};
use keepgate_store::{Begin, StoreError, Transaction};
use secrecy::SecretString;
use tokio::sync::Mutex;

use self::{compare::Matched, guesses::Guesses};
use crate::{
    ApiKeyFormat, ApiKeys, Claims, Hasher, Homes, ImportedKeys, NoRandomness, Presented, PresentedKey, RevocationView,
    Sight, Tokens,
    api_key::{Cache, LIFE, Uses, Verified, looks_imported},
};
pub use error::AuthError;

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

/// Recognises callers. Tokens cost a signature and no database while the view of revocations is fresh; keys Argon2id once a minute.
pub struct Authenticator<Tx: ?Sized> {
    store: Arc<dyn Begin<Tx>>,
    platform: TenantId,
    tokens: Arc<Tokens>,
    keys: Arc<ApiKeyFormat>,
    hasher: Hasher,
    cache: Cache,
    flights: Vec<Mutex<()>>,
    uses: Uses,
    guesses: Guesses,
    view: Option<Arc<dyn RevocationView>>,
    door: Arc<dyn Begin<Tx>>,
}

/// A bearer that is no token.
enum Bearer {
    /// It bears this server's mark.
    Ours(PresentedKey),
    /// Perhaps another system made it.
    Imported(SecretString),
}

impl<Tx: Transaction + Homes + ApiKeys + ImportedKeys + ?Sized + 'static> Authenticator<Tx> {
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
            uses: Uses::default(),
            guesses: Guesses::default(),
            view: None,
        })
    }

    /// Asks `view` before it believes anything, and `door`, which callers enter, where the view can't tell. Without a view the
    /// database is asked about every credential.
    #[must_use]
    pub fn with_view(mut self, view: Arc<dyn RevocationView>, door: Arc<dyn Begin<Tx>>) -> Self {
        self.view = Some(view);
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
        let (mut recognised, old) = if ApiKeyFormat::claims(bearer) || looks_imported(bearer) {
            self.of_key(bearer, source, request, at).await?
        } else {
            (of_session(&self.tokens.verify(bearer, at)?), false)
        };
        match self.sight(&recognised.presented) {
            Sight::Live => {}
            // Of a key it may be what the database has said already: a rotation, or a new level of its owner, that the view heard of
            // while the secret was compared. Then the door tells, and only what comes later counts against it.
            Sight::Dead if matches!(recognised.credential, Credential::ApiKey(_)) => {
                let seen = self.view.as_ref().map_or(0, |view| view.seq());
                self.look_up(&recognised, request, at).await?;
                recognised.presented.seen = seen;
            }
            Sight::Dead => return Err(AuthError::Revoked),
            // Nothing that opens a transaction needs this, but then nobody has to know which requests do.
            Sight::Unknown => self.look_up(&recognised, request, at).await?,
        }
        if let Credential::ApiKey(key) = recognised.credential {
            self.uses.note(key, old, at, source);
        }
        Ok(recognised)
    }

    /// Whom a key stands for, and whether it came with the secret before the last rotation.
    async fn of_key(
        &self,
        bearer: &str,
        source: Option<IpAddr>,
        request: RequestId,
        at: Timestamp,
    ) -> Result<(Recognised, bool), AuthError> {
        let verified = self.verified(bearer, source, request, at).await?;
        if verified.expires_at.is_some_and(|end| end <= at) {
            return Err(AuthError::Expired);
        }
        if !verified.allows(source) {
            return Err(AuthError::WrongAddress);
        }
        let recognised = Recognised {
            presented: verified.presented(),
            credential: Credential::ApiKey(verified.key),
            principal: verified.principal,
            assurance: None,
        };
        Ok((recognised, verified.old))
    }

    fn sight(&self, presented: &Presented) -> Sight {
        self.view.as_ref().map_or(Sight::Unknown, |view| view.sight(presented))
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
        self.cache.forget(|entry| entry.key == key);
    }

    /// The same for the keys that `principal` owns or acts with, after its level, hat or status was changed here: the policy
    /// sees at once what the database sees anyway.
    pub fn forget_keys_of(&self, principal: PrincipalId) {
        self.cache
            .forget(|entry| entry.owner == principal || entry.principal.id == principal);
    }

    /// Writes down which keys were used since the last time, in one statement. To be called every minute, and at the end.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is lost then, the next call tries again.
    #[expect(
        clippy::disallowed_methods,
        reason = "bookkeeping: no operation of anybody, so there is no entry to write"
    )]
    pub async fn write_uses(&self, request: RequestId, at: Timestamp) -> Result<(), StoreError> {
        let uses = self.uses.take();
        if uses.is_empty() {
            return Ok(());
        }
        let written = async {
            let mut tx = self.store.begin(&OpContext::system(self.platform, request, at)).await?;
            tx.touch_api_keys(&uses).await?;
            tx.commit().await
        };
        let written = written.await;
        if written.is_err() {
            self.uses.put_back(&uses);
        }
        written
    }

    async fn verified(
        &self,
        bearer: &str,
        source: Option<IpAddr>,
        request: RequestId,
        at: Timestamp,
    ) -> Result<Verified, AuthError> {
        let name = self.cache.name(bearer);
        if let Some(hit) = self.remembered(&name, at) {
            return Ok(hit);
        }
        let bearer = self.read(bearer)?;
        let flight = self.flights.get(usize::from(name[0]) % FLIGHTS);
        let _flight = match flight {
            Some(flight) => Some(flight.lock().await),
            None => None,
        };
        if let Some(hit) = self.remembered(&name, at) {
            return Ok(hit);
        }
        // Before the database is asked: whatever is revoked from now on is later than what it says.
        let seen = self.view.as_ref().map_or(0, |view| view.seq());
        let matched = match &bearer {
            Bearer::Ours(key) => self.compare(key, request, at).await?,
            Bearer::Imported(text) => self.guess(text, source, request, at).await?,
        };
        let verified = live(matched, seen, at)?;
        self.cache.put(name, verified.clone(), at);
        Ok(verified)
    }

    /// A verification a moment ago, while the view of revocations is fresh and knows of none. Without a view the door is asked
    /// each time, which is as good.
    fn remembered(&self, name: &[u8; 32], at: Timestamp) -> Option<Verified> {
        let hit = self.cache.get(name, at)?;
        if self.view.is_none() {
            return Some(hit);
        }
        match self.sight(&hit.presented()) {
            Sight::Live => Some(hit),
            Sight::Unknown => None,
            Sight::Dead => {
                self.forget(hit.key);
                None
            }
        }
    }

    /// A typing error and a guess end here.
    fn read(&self, bearer: &str) -> Result<Bearer, AuthError> {
        if ApiKeyFormat::claims(bearer) {
            Ok(Bearer::Ours(self.keys.parse(bearer)?))
        } else {
            Ok(Bearer::Imported(bearer.into()))
        }
    }

    async fn guess(
        &self,
        text: &SecretString,
        source: Option<IpAddr>,
        request: RequestId,
        at: Timestamp,
    ) -> Result<Matched, AuthError> {
        if !self.guesses.admits(source, at) {
            return Err(AuthError::Guessing);
        }
        let matched = self.compare_imported(text, request, at).await;
        if matches!(matched, Err(AuthError::Unknown)) {
            self.guesses.note(source, at);
        }
        matched
    }
}

impl<Tx: ?Sized> std::fmt::Debug for Authenticator<Tx> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator")
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}

/// What is remembered of a key that matched, if it may act.
fn live(matched: Matched, seen: u64, at: Timestamp) -> Result<Verified, AuthError> {
    let Matched { key, file, old, until } = matched;
    let level = file.level.filter(|_| !file.revoked).ok_or(AuthError::Revoked)?;
    let principal = Principal {
        id: file.service,
        tenant: file.tenant,
        standing: Standing::Level(level),
        unit: file.unit,
        scopes: file.scopes,
        hat: file.hat,
    };
    Ok(Verified {
        key,
        seen,
        old,
        owner: file.owner,
        principal,
        allowed_cidrs: file.allowed_cidrs,
        expires_at: file.expires_at,
        fresh_until: until.map_or(at + LIFE, |until| until.min(at + LIFE)),
    })
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
