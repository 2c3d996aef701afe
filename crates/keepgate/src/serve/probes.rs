//! What `/readyz` asks.
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use keepgate_api_gateway::Probe;
use keepgate_audit::{LogFault, PassReport};
use keepgate_store::{PgStore, StoreError};

/// A dependency that does not answer for so long is not ready.
const PATIENCE: Duration = Duration::from_secs(2);
/// Entries wait a fraction of a second to be numbered; from here on something is wrong, and the log of the service says so.
const LAG: Duration = Duration::from_secs(5);
/// From here on the service is not ready.
const FAR: Duration = Duration::from_secs(30);

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
pub struct AuditLog(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    problem: Option<String>,
    /// Whether entries wait for too long.
    late: bool,
}

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
                for step in &report.steps {
                    metrics::counter!("keepgate_audit_time_steps").increment(1);
                    let seconds = step.back.num_seconds();
                    tracing::error!(tenant = %step.tenant, index = step.index, seconds, "THE TIMES OF AN AUDIT LOG GO BACK: the database's clock was set back, or an entry was dated back");
                }
                self.lags(report.lag.unwrap_or_default());
                problem_of(report)
            }
            Err(error) => {
                tracing::error!(%error, "the audit log's integrator failed; it tries again");
                Some("the audit log can't be numbered; the log of this service says why".to_owned())
            }
        };
        self.told().problem = problem;
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says once that entries wait, and once that they don't any more.
    fn lags(&self, lag: Duration) {
        let (before, now) = (std::mem::replace(&mut self.told().late, lag > LAG), lag > LAG);
        if now && !before {
            let seconds = lag.as_secs();
            tracing::warn!(
                seconds,
                "entries of the audit log wait for their index: is a transaction left open?"
            );
        } else if before && !now {
            tracing::info!("entries of the audit log get their index again");
        }
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
    let lag = report.lag.filter(|lag| *lag > FAR)?;
    Some(format!("entries wait for {} s to be numbered", lag.as_secs()))
}

impl Probe for AuditLog {
    fn name(&self) -> &'static str {
        "audit-log"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), String>> {
        let problem = self.told().problem.clone();
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
        assert!(
            log.told().late && log.check().await.is_ok(),
            "it is said, and the service goes on"
        );
        log.passed(&Ok(PassReport {
            lag: Some(Duration::from_secs(31)),
            ..PassReport::default()
        }));
        assert!(log.check().await.unwrap_err().contains("31 s"));
        log.passed(&Ok(PassReport {
            holding: 1,
            ..PassReport::default()
        }));
        assert!(log.check().await.unwrap_err().contains("1 logs can't go on"));
        log.passed(&Ok(PassReport::default()));
        assert_eq!(log.check().await, Ok(()));
        assert!(!log.told().late);
    }
}
