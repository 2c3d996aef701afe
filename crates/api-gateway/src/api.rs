//! What handlers share.
use std::sync::Arc;

use axum::extract::FromRef;
use futures_util::future::BoxFuture;
use keepgate_channels::providers::webhooks::verifying_key;
use keepgate_crypto_keys::CryptoError;
use keepgate_gate::{SecondDesk, Service, SinkDesk, SsoDesk, Tombstones, Tx, VaultError, workers::Hub};
use keepgate_identity::{ApiKeyFormat, Authenticator, FrontDesk, Hasher, RevocationView, Tokens};
use keepgate_kernel::TenantId;
use keepgate_sso::scim::ScimTokenKey;
use keepgate_store::StoreError;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::{Caller, EvidencePolicy, Problem, RateLimiter, routes::TwilioHooks};

/// A dependency that `/readyz` asks.
pub trait Probe: Send + Sync {
    /// Its name in the answer.
    fn name(&self) -> &'static str;
    /// Whether it works now; the text is for people and holds no secret.
    fn check(&self) -> BoxFuture<'_, Result<(), String>>;
    /// What is not well although it works; the text is for people and holds no secret.
    fn warning(&self) -> Option<String> {
        None
    }
}

/// Where the verifier keys of the tenants' logs come from.
pub trait VerifierKeys: Send + Sync {
    /// The C2SP verifier keys of `tenant`'s log, one a line, the newest first; `None` before its first checkpoint.
    fn verifier_key(&self, tenant: TenantId) -> BoxFuture<'_, Result<Option<String>, StoreError>>;

    /// Those of the log of logs.
    fn meta_keys(&self) -> BoxFuture<'_, Result<Option<String>, StoreError>>;
}

/// Everything a handler may use. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    /// The doorway.
    pub gate: Service,
    /// The doorway of whoever is not known yet: its store sees verifiers, and hardly anything else.
    pub front_gate: Service,
    /// Turns credentials into principals.
    pub authenticator: Arc<Authenticator<dyn Tx>>,
    /// Prepares log-ins and enrolments.
    pub front_desk: Arc<FrontDesk<dyn Tx>>,
    /// Sends people to their identity provider and takes them back.
    pub sso: Arc<SsoDesk>,
    /// Recognises the tokens of directories.
    pub scim_tokens: Arc<ScimTokenKey>,
    /// Looks at second factors.
    pub second_desk: SecondDesk,
    /// Issues tokens.
    pub tokens: Arc<Tokens>,
    /// Which credentials are dead: streams are cut with it.
    pub revocations: Arc<dyn RevocationView>,
    /// Makes API keys.
    pub api_keys: Arc<ApiKeyFormat>,
    /// Hashes secrets, a few at a time.
    pub hasher: Hasher,
    /// The platform tenant: where operations of nobody in particular are logged.
    pub platform: TenantId,
    /// Wakes message streams.
    pub hub: Hub,
    /// The token buckets.
    pub limiter: Arc<RateLimiter>,
    /// The dependencies.
    pub probes: Arc<Vec<Box<dyn Probe>>>,
    /// Keys of the logs.
    pub verifier_keys: Arc<dyn VerifierKeys>,
    /// Who cosigns the logs.
    pub evidence_policy: EvidencePolicy,
    /// Who was erased, outside the database.
    pub tombstones: Arc<dyn Tombstones>,
    /// Tries the receivers of logs out.
    pub sinks: SinkDesk,
    /// Verifies Twilio's callbacks, if Twilio is configured.
    pub twilio: Arc<TwilioHooks>,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// Ends streams when the service stops.
    pub stopping: tokio::sync::watch::Receiver<bool>,
    /// The largest body, in bytes.
    pub body_limit: usize,
    /// Whether mail can be sent.
    pub mail: bool,
    /// How many proxies of the operator's own stand in front.
    pub trusted_proxies: u8,
    /// The longest a request may take, streams and exports excepted.
    pub request_timeout: std::time::Duration,
}

impl FromRef<Api> for Service {
    fn from_ref(api: &Api) -> Self {
        api.gate.clone()
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api")
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}

impl Api {
    /// The public halves of the keys that sign what is posted for the caller's tenant, newest first.
    pub(crate) async fn public_keys(&self, caller: &Caller) -> Result<Vec<String>, Problem> {
        let seeds = self.gate.webhook_seeds(caller.context().tenant()).await?;
        let publics = seeds.iter().map(|seed| seed.public().map(|key| verifying_key(&key)));
        let publics: Result<_, CryptoError> = publics.collect();
        publics.map_err(|error| VaultError::from(error).into())
    }
}
