//! Preparing what needs a secret compared or made: log-in, enrolment, proving oneself again, changing a password.
mod confirm;
mod device;
mod enrol;
mod login;
mod recover;
#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc};

pub use confirm::{ChangeRefused, PasswordCheck};
pub use device::{DeviceForm, JoinRefused};
pub use enrol::EnrolRefused;
use keepgate_kernel::{PrincipalId, RequestId, TenantId, Timestamp};
use keepgate_policy::OpContext;
use keepgate_store::{Begin, StoreError, Transaction};
pub use login::LoginForm;

use crate::{
    Admission, Attempt, Bucket, BucketKey, Enrolments, HashError, Hasher, Homes, Miss, PasswordContext, Passwords,
    Throttle, throttle::Watch,
};

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
    /// Too many passwords are being hashed; nothing was counted against anybody.
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

/// Where a request came from, and when.
#[derive(Debug, Clone, Copy)]
struct Visit {
    request: RequestId,
    source: Option<IpAddr>,
    at: Timestamp,
}

impl Visit {
    fn of(context: &OpContext) -> Self {
        Self {
            request: context.request(),
            source: context.source(),
            at: context.at(),
        }
    }
}

/// Resolves, throttles and compares, so that the command that follows only writes.
pub struct FrontDesk<Tx: ?Sized> {
    store: Arc<dyn Begin<Tx>>,
    platform: TenantId,
    hasher: Hasher,
    buckets: Arc<BucketKey>,
    watch: Arc<Watch>,
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
            watch: Arc::default(),
        }
    }

    fn worker(&self, tenant: TenantId, visit: Visit) -> OpContext {
        OpContext::system(tenant, visit.request, visit.at).from_source(visit.source)
    }

    async fn begin(&self, tenant: TenantId, visit: Visit) -> Result<Box<Tx>, FrontDeskError> {
        Ok(self.store.begin(&self.worker(tenant, visit)).await?)
    }

    /// What a new password of `principal` is held against.
    async fn context_of(
        &self,
        tenant: TenantId,
        principal: PrincipalId,
        second_factor: bool,
        visit: Visit,
    ) -> Result<PasswordContext, FrontDeskError> {
        let words = self.begin(tenant, visit).await?.words_about(principal).await?;
        Ok(PasswordContext { second_factor, words })
    }

    /// Counts in a transaction of its own, so that no failure afterwards uncounts it.
    async fn admit(&self, attempt: &Attempt, visit: Visit) -> Result<Admission, FrontDeskError> {
        for _ in 0..ATTEMPTS {
            let mut tx = self.begin(self.platform, visit).await?;
            let admission = tx.admit(attempt).await;
            if let Some(done) = settled(tx, admission).await? {
                return Ok(done);
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Tells the places a wrong password came from.
    async fn miss(&self, miss: &Miss, visit: Visit) -> Result<(), FrontDeskError> {
        for _ in 0..ATTEMPTS {
            let mut tx = self.begin(self.platform, visit).await?;
            let blocks = tx.missed(miss).await;
            if let Some(blocks) = settled(tx, blocks).await? {
                self.watch.remember_blocks(&blocks, visit.at);
                return Ok(());
            }
        }
        Err(StoreError::Conflict.into())
    }

    async fn forgive(&self, bucket: &Bucket, visit: Visit) -> Result<(), FrontDeskError> {
        for _ in 0..ATTEMPTS {
            let mut tx = self.begin(self.platform, visit).await?;
            let forgiven = tx.forgive(bucket).await;
            if settled(tx, forgiven).await?.is_some() {
                return Ok(());
            }
        }
        Err(StoreError::Conflict.into())
    }
}

/// Commits what was counted; `None` when others counted at the same time, so that it has to be done again.
#[expect(
    clippy::disallowed_methods,
    reason = "bookkeeping: the attempt's own entry follows, whatever becomes of it"
)]
async fn settled<Tx: Transaction + ?Sized, T>(
    tx: Box<Tx>,
    counted: Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let committed = match counted {
        Ok(counted) => tx.commit().await.map(|()| counted),
        Err(error) => Err(error),
    };
    match committed {
        Ok(counted) => Ok(Some(counted)),
        Err(StoreError::Conflict) => {
            tokio::task::yield_now().await;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

impl<Tx: ?Sized> std::fmt::Debug for FrontDesk<Tx> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrontDesk")
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}
