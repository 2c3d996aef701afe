//! What `/readyz` and the metrics tell about old and coming months.
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use keepgate_api_gateway::Probe;

/// The months of the audit logs. Clones share what was said last.
#[derive(Clone, Default)]
pub struct Keeping(Arc<Mutex<[Option<String>; 2]>>);

impl Keeping {
    /// How many months after this one entries can be written in. Without a partition an entry can't be written, and without an
    /// entry nothing is done.
    pub fn months_ahead(&self, months: u32) {
        metrics::gauge!("keepgate_audit_months_ahead").set(f64::from(months));
        let problem = (months == 0).then(|| {
            tracing::error!("the audit log has no partition for the next month: nothing can be done from then on");
            "the audit log has no partition for the next month".to_owned()
        });
        self.set(0, problem);
    }

    /// How looking after old months went.
    pub fn looked(&self, result: &Result<(), Box<dyn std::error::Error + Send + Sync>>) {
        metrics::gauge!("keepgate_audit_archiving_failed").set(if result.is_err() { 1.0 } else { 0.0 });
        self.set(
            1,
            result
                .as_ref()
                .err()
                .map(|_| "old months can't be archived; the log of this service says why".to_owned()),
        );
    }

    fn set(&self, place: usize, problem: Option<String>) {
        if let Some(told) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(place) {
            *told = problem;
        }
    }
}

impl Probe for Keeping {
    fn name(&self) -> &'static str {
        "audit-months"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), String>> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let problem = told.into_iter().flatten().next();
        Box::pin(std::future::ready(problem.map_or(Ok(()), Err)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_month_ahead_and_a_failed_archive_are_told_until_they_are_mended() {
        let keeping = Keeping::default();
        assert_eq!(keeping.check().await, Ok(()));
        keeping.months_ahead(0);
        assert!(keeping.check().await.unwrap_err().contains("next month"));
        keeping.months_ahead(3);
        keeping.looked(&Err("x".into()));
        assert!(keeping.check().await.unwrap_err().contains("archived"));
        keeping.looked(&Ok(()));
        assert_eq!(keeping.check().await, Ok(()));
    }
}
