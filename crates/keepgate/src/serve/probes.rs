//! What `/readyz` asks.
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use keepgate_api_gateway::Probe;
use keepgate_audit::PassReport;
use keepgate_store::{PgStore, StoreError};

/// A dependency that does not answer for so long is not ready.
const PATIENCE: Duration = Duration::from_secs(2);
/// Entries wait a fraction of a second to be numbered; from here on something is wrong.
const LAG: Duration = Duration::from_secs(30);

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
                    .set(f64::from(u32::try_from(report.held.len()).unwrap_or(u32::MAX)));
                for (tenant, fault) in &report.held {
                    tracing::error!(%tenant, %fault, "a tenant's audit log can't go on");
                }
                problem_of(report)
            }
            Err(error) => {
                tracing::error!(%error, "the audit log's integrator failed; it tries again");
                Some("the audit log can't be numbered: the database failed".to_owned())
            }
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }
}

fn problem_of(report: &PassReport) -> Option<String> {
    if !report.held.is_empty() {
        return Some(format!(
            "{} logs can't go on; the log of this service says why",
            report.held.len()
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
            lag: Some(Duration::from_secs(31)),
            ..PassReport::default()
        }));
        assert!(log.check().await.unwrap_err().contains("31 s"));
        log.passed(&Ok(PassReport::default()));
        assert_eq!(log.check().await, Ok(()));
    }
}
