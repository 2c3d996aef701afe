//! Preparing what second factors need: seeds are opened and compared here, guesses are counted here, so that the command that
//! follows only writes.
mod complete;
mod enrol;
mod ready;
mod step_up;

use std::{net::IpAddr, sync::Arc};

use keepgate_crypto_keys::Place;
use keepgate_identity::{
    Bucket, BucketKey, FactorKind, FactorOnFile, NoRandomness, PasswordCheck, RecoveryCode, SecondProof, TotpSeed,
};
use keepgate_kernel::{FactorId, PrincipalId, RequestId, TenantId, Timestamp};
use keepgate_policy::OpContext;
use keepgate_store::StoreError;
use secrecy::{ExposeSecret, SecretString};

use crate::{Service, Tx, VaultError};

/// What somebody answers with: exactly one of them.
#[derive(Debug, Clone)]
pub enum SecondAnswer {
    /// Six digits of an authenticator app.
    Totp(SecretString),
    /// A recovery code.
    Recovery(SecretString),
}

/// What a step-up brings.
#[derive(Debug, Default)]
pub struct Proofs {
    /// The password, as the front desk has looked at it.
    pub password: Option<PasswordCheck>,
    /// A second factor.
    pub second: Option<SecondAnswer>,
}

/// Why nothing could be prepared.
#[derive(Debug, thiserror::Error)]
pub enum SecondDeskError {
    /// Nothing secret can be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// A seed can't be sealed or opened.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The store, or a row of it, failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where a request came from, and when.
#[derive(Debug, Clone, Copy)]
pub struct Visit {
    /// Its id.
    pub request: RequestId,
    /// The address.
    pub source: Option<IpAddr>,
    /// The instant.
    pub at: Timestamp,
}

/// Asks for second factors and looks at the answers.
#[derive(Clone)]
pub struct SecondDesk {
    gate: Service,
    platform: TenantId,
    buckets: Arc<BucketKey>,
}

impl SecondDesk {
    /// A desk at the front's `gate`; `platform` is the platform's tenant.
    #[must_use]
    pub const fn new(gate: Service, platform: TenantId, buckets: Arc<BucketKey>) -> Self {
        Self {
            gate,
            platform,
            buckets,
        }
    }

    async fn begin(&self, worker: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
        self.gate.store().begin(worker).await
    }

    /// What `answer` proves about a principal's confirmed factors; `None`: nothing.
    async fn look(
        &self,
        worker: &OpContext,
        principal: PrincipalId,
        answer: &SecondAnswer,
    ) -> Result<Option<SecondProof>, SecondDeskError> {
        match answer {
            SecondAnswer::Totp(code) => {
                let apps = self
                    .begin(worker)
                    .await?
                    .factors_on_file(principal, FactorKind::Totp)
                    .await?;
                match apps.first() {
                    Some(app) => self.compare(worker, app, code).await,
                    None => Ok(None),
                }
            }
            SecondAnswer::Recovery(text) => {
                let code = RecoveryCode::parse(text.expose_secret());
                Ok(code.map(|code| SecondProof::Recovery(code.hash(principal))))
            }
        }
    }

    async fn compare(
        &self,
        worker: &OpContext,
        app: &FactorOnFile,
        code: &SecretString,
    ) -> Result<Option<SecondProof>, SecondDeskError> {
        let factor = app.factor;
        let opened = self.gate.open(&place(worker.tenant(), factor), &app.material).await?;
        let seed = TotpSeed::from_bytes(&opened).map_err(|_| StoreError::corrupt("identity.factor", "material"))?;
        let step = seed.step_of(code.expose_secret(), worker.at(), app.counter);
        Ok(step.map(|step| SecondProof::Totp { factor, step }))
    }
}

impl std::fmt::Debug for SecondDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondDesk")
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}

/// What a seed is sealed for.
const fn place(tenant: TenantId, factor: FactorId) -> Place {
    Place {
        tenant,
        table: "identity.factor",
        column: "material",
        row: factor.uuid(),
    }
}

/// A bucket is counted before anything is looked at.
#[expect(
    clippy::disallowed_methods,
    reason = "bookkeeping: the attempt's own entry follows, whatever becomes of it"
)]
async fn count(
    desk: &SecondDesk,
    worker: &OpContext,
    bucket: &Bucket,
) -> Result<keepgate_identity::Admission, SecondDeskError> {
    let attempt = keepgate_identity::Attempt {
        account: *bucket,
        trusted: true,
        places: None,
        repeated: false,
        strict: false,
    };
    for _ in 0..ATTEMPTS {
        let mut tx = desk.begin(worker).await?;
        let counted = match tx.admit(&attempt).await {
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

/// How often a counter is tried again when others count at the same time.
const ATTEMPTS: usize = 32;
