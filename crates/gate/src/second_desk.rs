//! Preparing what second factors need: seeds are opened and compared here, guesses are counted here, so that the command that
//! follows only writes.
mod complete;
mod enrol;
mod passkey;
mod ready;
mod step_up;

use std::{net::IpAddr, sync::Arc};

use keepgate_crypto_keys::{Place, Purpose};
use keepgate_identity::{
    Bucket, BucketKey, FactorKind, FactorOnFile, MfaChallenge, NoRandomness, PasswordCheck, RecoveryCode, SecondProof,
    TotpSeed,
    passkey::{Asserted, RelyingParty},
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
    /// A signature of a passkey.
    Passkey(Box<Asserted>),
}

/// What an answer proves.
#[derive(Debug)]
enum Looked {
    Proof(SecondProof),
    Wrong,
    /// A passkey's count went back: its signature is right, but there may be two of it.
    Copied,
}

impl From<Option<SecondProof>> for Looked {
    fn from(proof: Option<SecondProof>) -> Self {
        proof.map_or(Self::Wrong, Self::Proof)
    }
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
    /// Nobody has said under which name this gateway is reached.
    #[error("passkeys need `public_url`, with the name of a host")]
    NoPasskeys,
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
    party: Option<RelyingParty>,
}

impl SecondDesk {
    /// A desk at the front's `gate`; `platform` is the platform's tenant.
    #[must_use]
    pub const fn new(gate: Service, platform: TenantId, buckets: Arc<BucketKey>) -> Self {
        Self {
            gate,
            platform,
            buckets,
            party: None,
        }
    }

    async fn begin(&self, worker: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
        self.gate.store().begin(worker).await
    }

    /// What `answer` to `challenge` proves about a principal's confirmed factors. Only passkeys answer a challenge.
    async fn look(
        &self,
        worker: &OpContext,
        principal: PrincipalId,
        challenge: Option<&MfaChallenge>,
        answer: &SecondAnswer,
    ) -> Result<Looked, SecondDeskError> {
        match answer {
            SecondAnswer::Totp(code) => {
                let apps = self
                    .begin(worker)
                    .await?
                    .factors_on_file(principal, FactorKind::Totp)
                    .await?;
                match apps.first() {
                    Some(app) => Ok(self.compare(worker, app, code).await?.into()),
                    None => Ok(Looked::Wrong),
                }
            }
            SecondAnswer::Recovery(text) => {
                let code = RecoveryCode::parse(text.expose_secret());
                Ok(code.map(|code| SecondProof::Recovery(code.hash(principal))).into())
            }
            SecondAnswer::Passkey(asserted) => match challenge {
                Some(challenge) => self.look_at_passkey(worker, principal, challenge, asserted).await,
                None => Ok(Looked::Wrong),
            },
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
        purpose: Purpose::TotpSeed,
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
