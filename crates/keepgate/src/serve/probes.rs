//! What `/readyz` asks.
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use keepgate_api_gateway::Probe;
use keepgate_audit::{LogFault, PassReport};
use keepgate_store::{PgStore, StoreError};

/// A dependency that does not answer for so long is not ready.
const PATIENCE: Duration = Duration::from_secs(2);
/// Entries wait a fraction of a second to be numbered; from here on something is wrong.
const LAG: Duration = Duration::from_secs(5);

/// The database.
pub struct Database(pub PgStore);

impl Probe for Database {
    fn name(&self) -> &'static str {
        "database"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            match tokio::time::timeout(PATIENCE, self.0.ping()).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err("the database does not answer".into()),
                Err(_) => Err("the database did not answer in time".into()),
            }
        })
    }
}

/// The audit log's integrator. Clones share what it said last.
#[derive(Clone, Default)]
pub struct AuditLog(Arc<Mutex<Option<String>>>);

impl AuditLog {
    /// Takes the report of a pass: for the probe, the metrics and the log.
    pub fn passed(&self, report: &Result<PassReport, StoreError>) {
        let problem = match report {
            Ok(report) => {
                metrics::counter!("keepgate_audit_numbered").increment(report.numbered.try_into().unwrap_or(u64::MAX));
                metrics::gauge!("keepgate_audit_lag_seconds").set(report.lag.unwrap_or_default().as_secs_f64());
                metrics::gauge!("keepgate_audit_held_logs")
                    .set(f64::from(u32::try_from(report.holding).unwrap_or(u32::MAX)));
                metrics::counter!("keepgate_audit_checkpoints")
                    .increment(report.checkpoints.try_into().unwrap_or(u64::MAX));
                for (tenant, fault) in &report.held {
                    tell(fault);
                    tracing::error!(%tenant, %fault, "a tenant's audit log can't go on");
                }
                if let Some(fault) = &report.meta_fault {
                    tell(fault);
                    tracing::error!(%fault, "the log of logs can't go on");
                }
                let problem = problem_of(report);
                let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if last.is_none()
                    && let Some(problem) = &problem
                {
                    tracing::warn!(problem, "the audit log needs to be looked at");
                }
                *last = problem;
                return;
            }
            Err(error) => {
                tracing::error!(%error, "the audit log's integrator failed; it tries again");
                Some("the audit log can't be numbered; the log of this service says why".to_owned())
            }
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }
}

/// A log that was taken back is counted: nothing of it is signed.
fn tell(fault: &LogFault) {
    if matches!(
        fault,
        LogFault::Shrank { .. } | LogFault::Forked(_) | LogFault::HeadChanged
    ) {
        metrics::counter!("keepgate_audit_refused_signatures").increment(1);
    }
}

fn problem_of(report: &PassReport) -> Option<String> {
    if report.holding > 0 {
        return Some(format!(
            "{} logs can't go on; the log of this service says why",
            report.holding
        ));
    }
    let lag = report.lag.filter(|lag| *lag > LAG)?;
    Some(format!("entries wait for {} s to be numbered", lag.as_secs()))
}

impl Probe for AuditLog {
    fn name(&self) -> &'static str {
        "audit-log"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), String>> {
        let problem = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(std::future::ready(problem.map_or(Ok(()), Err)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_audit_log_is_ready_until_a_pass_fails_or_lags_and_again_afterwards() {
        let log = AuditLog::default();
        assert_eq!(log.check().await, Ok(()));
        log.passed(&Err(StoreError::Conflict));
        assert!(log.check().await.is_err());
        log.passed(&Ok(PassReport {
            lag: Some(Duration::from_secs(6)),
            ..PassReport::default()
        }));
        assert!(log.check().await.unwrap_err().contains("6 s"));
        log.passed(&Ok(PassReport::default()));
        assert_eq!(log.check().await, Ok(()));
    }
}
