//! The audit log's integrator with its keys and its memory of what it signed.
use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use keepgate_api_gateway::VerifierKeys;
use keepgate_audit::{
    Abandoned, HeadFile, LogKeys, LogSigner, SignerError,
    clock::{OVERLAP, TimeStep},
    operations::{TellAbandoned, TellTimeStep},
    postgres::{Integrator, PgCosignedLogs},
};
use keepgate_gate::{Gate, Tx};
use keepgate_kernel::{RequestId, TenantId};
use keepgate_policy::OpContext;
use keepgate_store::StoreError;
use tokio::sync::{Notify, mpsc};

use super::{keys::Keys, probes::AuditLog, workers::Workers};
use crate::{
    config::Config,
    data_dir,
    exit::Exit,
    failure::{Failure, chain},
    postgres::{Databases, Signers},
};

/// One for the integrator's passes, the others for keys it asks for meanwhile and for verifier keys.
const INTEGRATOR_POOL: u32 = 3;
/// How many places where times go back may wait to be told.
const STEPS: usize = 100;
/// How soon the seed of a key that signs no more is destroyed.
const DESTROY_EVERY: Duration = Duration::from_mins(1);

/// Starts it, after every state of a log that was given up has been told in a log. `signed` is rung after each signature.
///
/// # Errors
/// Exit code 1 when the memory of what was signed can't be read: nothing may be signed without it.
pub async fn start(
    workers: &mut Workers,
    config: &Config,
    databases: &Databases,
    keys: &Keys,
    platform: TenantId,
    gate: &Gate<dyn Tx>,
    signed: Arc<Notify>,
) -> Result<(Arc<Signers>, AuditLog, PgCosignedLogs), Failure> {
    let heads = Arc::new(open(config)?);
    tell_abandoned(&heads, platform, gate).await?;
    let pool = databases.doors.integrator.pool(INTEGRATOR_POOL);
    let cosigned = PgCosignedLogs::new(pool.clone());
    let signers = Arc::new(Signers::new(
        pool.clone(),
        keys.root().service(),
        platform,
        config.audit_ml_dsa,
    ));
    let log = AuditLog::default();
    let told = log.clone();
    let shared = Arc::new(SharedSigners(signers.clone()));
    let (steps, stepped) = mpsc::channel(STEPS);
    let integrator = Integrator::new(pool, config.audit_origin.clone(), shared)
        .remembering(heads)
        .sign_every(config.audit_checkpoint)
        .overlap(overlap(config))
        .on_pass(move |report| {
            told.passed(report);
            for step in report.iter().flat_map(|report| &report.steps) {
                // More of them are counted, and only the first told.
                let _full = steps.try_send(*step);
            }
            if report.as_ref().is_ok_and(|report| report.checkpoints > 0) {
                signed.notify_one();
            }
        });
    workers.start(
        "audit log's integrator",
        integrator.run(gate.committed(), workers.stop_signal()),
    );
    workers.start(
        "teller of times that go back",
        tell_steps(gate.clone(), stepped, workers.stop_signal()),
    );
    workers.start(
        "destruction of ended log keys",
        destroy(signers.clone(), workers.stop_signal()),
    );
    Ok((signers, log, cosigned))
}

/// As long as a request may take, and its last statement.
fn overlap(config: &Config) -> TimeDelta {
    TimeDelta::from_std(config.limits.request_timeout + Duration::from_secs(10)).unwrap_or(OVERLAP)
}

/// An entry about each, in its own log.
async fn tell_steps(gate: Gate<dyn Tx>, mut stepped: mpsc::Receiver<TimeStep>, stop: impl Future<Output = ()> + Send) {
    tokio::pin!(stop);
    loop {
        let step = tokio::select! {
            () = &mut stop => return,
            step = stepped.recv() => step,
        };
        // The integrator stops with the service.
        let Some(step) = step else { return stop.await };
        let now = gate.clock().now();
        let context = OpContext::system(step.tenant, RequestId::new(now), now);
        if let Err(error) = gate.perform(&context, &TellTimeStep { step }).await {
            tracing::error!(tenant = %step.tenant, index = step.index, %error, "that times go back can't be written into the log");
        }
    }
}

/// The memory of what was signed, in the data directory.
///
/// # Errors
/// Exit code 1 when it can't be used.
pub fn open(config: &Config) -> Result<HeadFile, Failure> {
    HeadFile::open(&config.data_dir.join(data_dir::LOG_HEADS)).map_err(|error| unreadable(&error))
}

fn unreadable(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(
        Exit::Failed,
        "can't read what was signed of the audit logs",
        chain(error),
        "restore log-heads/heads in the data directory; without it nothing tells whether the database was taken back",
    )
}

async fn tell_abandoned(heads: &HeadFile, platform: TenantId, gate: &Gate<dyn Tx>) -> Result<(), Failure> {
    let (_, abandoned) = heads.read().map_err(|error| unreadable(&error))?;
    for given in abandoned {
        match tell(&given, platform, gate).await {
            Ok(()) => heads.told(&given).map_err(|error| unreadable(&error))?,
            // A suspended tenant's log takes no entry; the next start tells it.
            Err(error) => {
                tracing::error!(log = given.origin, %error, "that a signed state was given up is not told yet")
            }
        }
    }
    Ok(())
}

async fn tell(given: &Abandoned, platform: TenantId, gate: &Gate<dyn Tx>) -> Result<(), String> {
    let now = gate.clock().now();
    let command = TellAbandoned::new(given.clone());
    let worker = OpContext::system(command.tenant().unwrap_or(platform), RequestId::new(now), now);
    let done = gate.perform(&worker, &command).await;
    done.map_err(|error| format!("{error:?}"))?;
    tracing::warn!(
        log = given.origin,
        size = given.head.size,
        "the log goes on without a state that was signed"
    );
    Ok(())
}

async fn destroy(signers: Arc<Signers>, stop: impl Future<Output = ()> + Send) {
    tokio::pin!(stop);
    let mut tick = tokio::time::interval(DESTROY_EVERY);
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = tick.tick() => {}
        }
        match signers.destroy_ended().await {
            Ok(0) => {}
            Ok(keys) => tracing::info!(keys, "destroyed the seeds of log keys that sign no more"),
            Err(error) => tracing::error!(%error, "seeds of log keys that sign no more are not destroyed yet"),
        }
    }
}

/// The same signers for the integrator and for the routes that tell verifier keys.
#[derive(Clone)]
pub struct SharedSigners(pub Arc<Signers>);

#[async_trait]
impl LogSigner for SharedSigners {
    async fn keys_for(&self, tenant: TenantId, origin: &str) -> Result<Arc<LogKeys>, SignerError> {
        Ok(self.0.of_tenant(tenant, origin).await?)
    }

    async fn meta_keys(&self, origin: &str) -> Result<Option<Arc<LogKeys>>, SignerError> {
        Ok(Some(self.0.of_meta(origin).await?))
    }
}

impl VerifierKeys for SharedSigners {
    fn verifier_key(&self, tenant: TenantId) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        Box::pin(self.0.verifier(tenant))
    }

    fn meta_keys(&self) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        Box::pin(self.0.meta_verifier())
    }
}
