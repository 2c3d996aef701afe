//! Preparing what happens before anybody is known: log-in and enrolment.
use std::{net::IpAddr, sync::Arc};

use keepgate_kernel::{PrincipalId, RequestId, SessionId, TenantId, Timestamp};
use keepgate_policy::OpContext;
use keepgate_store::{Begin, StoreError, Transaction};
use secrecy::SecretString;

use crate::{
    Admission, Bucket, BucketKey, CodeHash, Email, Enrol, EnrolmentCode, Enrolments, HashError, Hasher, Homes, Login,
    Password, PasswordRule, Passwords, Phc, Throttle,
};

/// How many accounts of one address are tried when no tenant is named.
const ACCOUNTS: usize = 4;
/// How often a counter is tried again when others count at the same time.
const ATTEMPTS: usize = 32;

/// A command, and the worker it runs as. The doorway performs it, naming the actor.
#[derive(Debug)]
pub struct Prepared<C> {
    /// The worker's context.
    pub context: OpContext,
    /// Whose account it is about, as far as known.
    pub actor: Option<PrincipalId>,
    /// The command.
    pub command: C,
}

/// Why nothing could be prepared.
#[derive(Debug, thiserror::Error)]
pub enum FrontDeskError {
    /// Too many passwords are being hashed; nothing was counted against anybody but the attempt.
    #[error("too many passwords are being hashed")]
    Busy,
    /// The store, or a stored verifier, failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<HashError> for FrontDeskError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::Busy,
            HashError::Failed => Self::Store(StoreError::corrupt("identity.password", "phc")),
        }
    }
}

/// Why an enrolment was not even prepared.
#[derive(Debug, thiserror::Error)]
pub enum EnrolRefused {
    /// The password may not be set; the code is still good.
    #[error(transparent)]
    Password(#[from] PasswordRule),
    /// As for log-in.
    #[error(transparent)]
    Desk(#[from] FrontDeskError),
}

/// Where a request came from, and when.
#[derive(Debug, Clone, Copy)]
struct Visit {
    request: RequestId,
    source: Option<IpAddr>,
    at: Timestamp,
}

/// Resolves, throttles and compares, so that the command that follows only writes.
pub struct FrontDesk<Tx: ?Sized> {
    store: Arc<dyn Begin<Tx>>,
    platform: TenantId,
    hasher: Hasher,
    buckets: Arc<BucketKey>,
}

impl<Tx: Transaction + Enrolments + Homes + Passwords + Throttle + ?Sized + 'static> FrontDesk<Tx> {
    /// A desk over `store`; `platform` is the platform's tenant.
    #[must_use]
    pub fn new(store: Arc<dyn Begin<Tx>>, platform: TenantId, hasher: Hasher, buckets: Arc<BucketKey>) -> Self {
        Self {
            store,
            platform,
            hasher,
            buckets,
        }
    }

    /// Prepares a log-in: counts the attempt, compares the password (with nobody's, if the address is unknown), and returns the
    /// command that opens the session or tells the audit log why not.
    ///
    /// An address may have accounts in several tenants. Without `tenant` the password decides, the oldest account first.
    ///
    /// # Errors
    /// [`FrontDeskError`]; a wrong password is no error here, but of the command.
    pub async fn login(
        &self,
        email: &str,
        password: &SecretString,
        tenant: Option<TenantId>,
        request: RequestId,
        source: Option<IpAddr>,
        at: Timestamp,
    ) -> Result<Prepared<Login>, FrontDeskError> {
        let visit = Visit { request, source, at };
        let (session, bucket) = (SessionId::new(at), self.buckets.login(email));
        if let Admission::Locked(retry_after) = self.admit(&bucket, visit).await? {
            return Ok(self.prepared(self.platform, visit, Login::locked(session, retry_after)));
        }
        let accounts = match email.trim().parse::<Email>() {
            Ok(email) => self.accounts(&email, tenant, visit).await?,
            Err(_) => Vec::new(),
        };
        let Some(first) = accounts.first().map(|(home, principal, _)| (*home, *principal)) else {
            self.hasher.check_nobody(password).await?;
            return Ok(self.prepared(self.platform, visit, Login::wrong(session, None)));
        };
        for (home, principal, verifier) in accounts {
            if let Some(proof) = self.hasher.check(principal, &verifier, password).await? {
                return Ok(self.prepared(home, visit, Login::proven(session, proof, bucket)));
            }
        }
        Ok(self.prepared(first.0, visit, Login::wrong(session, Some(first.1))))
    }

    /// Prepares an enrolment. A code that can't be used costs no hash.
    ///
    /// # Errors
    /// [`EnrolRefused::Password`] before the code is looked at; a bad code is an error of the command.
    pub async fn enrol(
        &self,
        code: &str,
        password: SecretString,
        request: RequestId,
        source: Option<IpAddr>,
        at: Timestamp,
    ) -> Result<Prepared<Enrol>, EnrolRefused> {
        let visit = Visit { request, source, at };
        let (session, password) = (SessionId::new(at), Password::new(password)?);
        let code = EnrolmentCode::parse(code.trim()).map(|code| code.hash()).ok();
        let ticket = match code {
            Some(code) => self
                .holder(&code, visit)
                .await?
                .map(|(home, holder)| (code, home, holder)),
            None => None,
        };
        let Some((code, home, holder)) = ticket else {
            return Ok(Prepared {
                context: self.worker(self.platform, visit),
                actor: None,
                command: Enrol::unknown(session),
            });
        };
        let phc = self
            .hasher
            .hash_password(&password)
            .await
            .map_err(FrontDeskError::from)?;
        let command = Enrol::new(session, holder, code, phc);
        Ok(Prepared {
            context: self.worker(home, visit),
            actor: command.actor(),
            command,
        })
    }

    /// Where a usable code lives, and whose it is.
    async fn holder(&self, code: &CodeHash, visit: Visit) -> Result<Option<(TenantId, PrincipalId)>, FrontDeskError> {
        let Some(home) = self.begin(self.platform, visit).await?.home_of_enrolment(code).await? else {
            return Ok(None);
        };
        let mut tx = match self.store.begin(&self.worker(home, visit)).await {
            Err(StoreError::Revoked) => return Ok(None),
            other => other?,
        };
        Ok(tx.enrolment_holder(code).await?.map(|holder| (home, holder)))
    }

    fn worker(&self, tenant: TenantId, visit: Visit) -> OpContext {
        OpContext::system(tenant, visit.request, visit.at).from_source(visit.source)
    }

    fn prepared(&self, tenant: TenantId, visit: Visit, command: Login) -> Prepared<Login> {
        Prepared {
            context: self.worker(tenant, visit),
            actor: command.actor(),
            command,
        }
    }

    async fn begin(&self, tenant: TenantId, visit: Visit) -> Result<Box<Tx>, FrontDeskError> {
        Ok(self.store.begin(&self.worker(tenant, visit)).await?)
    }

    /// Accounts with a password, in active tenants.
    async fn accounts(
        &self,
        email: &Email,
        tenant: Option<TenantId>,
        visit: Visit,
    ) -> Result<Vec<(TenantId, PrincipalId, Phc)>, FrontDeskError> {
        let homes = self.begin(self.platform, visit).await?.homes_of_email(email).await?;
        let mut accounts = Vec::new();
        for home in homes
            .into_iter()
            .filter(|home| tenant.is_none_or(|tenant| tenant == *home))
        {
            let mut tx = match self.store.begin(&self.worker(home, visit)).await {
                Err(StoreError::Revoked) => continue,
                other => other?,
            };
            if let Some((principal, phc)) = tx.password_of_email(email).await? {
                accounts.push((home, principal, phc));
            }
            if accounts.len() == ACCOUNTS {
                break;
            }
        }
        Ok(accounts)
    }

    /// Counts in a transaction of its own, so that no failure afterwards uncounts it.
    #[expect(
        clippy::disallowed_methods,
        reason = "bookkeeping: the attempt's own entry follows, whatever becomes of it"
    )]
    async fn admit(&self, bucket: &Bucket, visit: Visit) -> Result<Admission, FrontDeskError> {
        for _ in 0..ATTEMPTS {
            let mut tx = self.begin(self.platform, visit).await?;
            let counted = match tx.admit(bucket).await {
                Ok(admission) => tx.commit().await.map(|()| admission),
                Err(error) => Err(error),
            };
            match counted {
                Err(StoreError::Conflict) => tokio::task::yield_now().await,
                other => return Ok(other?),
            }
        }
        Err(StoreError::Conflict.into())
    }
}

impl<Tx: ?Sized> std::fmt::Debug for FrontDesk<Tx> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrontDesk")
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}
