//! The loop around the passes.
use std::{future::Future, sync::Arc, time::Duration};

use keepgate_store::StoreError;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

use super::Integrator;
use crate::PassReport;

/// Looks for entries at least so often, in case nobody rang.
const SAFETY_NET: Duration = Duration::from_millis(250);
/// Under load, entries gather so long for one checkpoint.
const GATHER: Duration = Duration::from_millis(100);
/// The longest wait after errors of the database.
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);

impl Integrator {
    /// Passes again and again until `stop` is ready: at once when `wake` rings, which commits should do, and four times
    /// a second anyhow. Errors of the database are reported, waited out and tried again. Makes partitions ahead at the
    /// start and each day.
    ///
    /// Dropping the future is safe at any point: what is not committed has not happened.
    pub async fn run(mut self, wake: Arc<Notify>, stop: impl Future<Output = ()> + Send) {
        tokio::pin!(stop);
        let (mut failures, mut partitions_due) = (0_u32, Instant::now());
        loop {
            if Instant::now() >= partitions_due {
                partitions_due = Instant::now() + self.partitions_ahead().await;
            }
            let passed = self.pass().await;
            (self.on_pass)(&passed);
            failures = if passed.is_err() { failures.saturating_add(1) } else { 0 };
            let due = self.signing_due();
            tokio::select! {
                () = &mut stop => return,
                () = pause(&passed, failures, &wake, due) => {}
            }
        }
    }

    /// When leaves that no checkpoint covers yet are to be signed; `None` without any.
    fn signing_due(&self) -> Option<Instant> {
        let last = self.round.filter(|_| !self.unsigned.is_empty())?;
        Some(last + self.sign_every)
    }

    /// Makes partitions; returns when to look again. Numbering goes on without them until the month ends.
    async fn partitions_ahead(&self) -> Duration {
        match self.ensure_partitions().await {
            Ok(_) => DAY,
            Err(error) => {
                (self.on_pass)(&Err(error));
                MINUTE
            }
        }
    }
}

/// Waits for the next pass; until `due` at most, when something is to be signed.
async fn pause(passed: &Result<PassReport, StoreError>, failures: u32, wake: &Notify, due: Option<Instant>) {
    let start = Instant::now();
    match passed {
        Ok(report) if report.more => {}
        Ok(report) => {
            tokio::select! {
                () = wake.notified() => {}
                () = sleep(SAFETY_NET) => {}
                () = sleep_until(due.map_or(start + SAFETY_NET, |due| due.max(start + GATHER))) => {}
            }
            if report.numbered > 0 {
                sleep_until(start + GATHER).await;
            }
        }
        Err(_) => sleep(SAFETY_NET.saturating_mul(1 << failures.min(6)).min(LONGEST_BACKOFF)).await,
    }
}
