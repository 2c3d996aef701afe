//! How far each sink is behind, as metrics.
use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use keepgate_kernel::SinkId;
use keepgate_store::StoreError;

use super::Forwarder;

const EVERY: Duration = Duration::from_secs(5);

/// What was set last.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    last: Option<Instant>,
    known: HashSet<SinkId>,
}

impl Gauges {
    /// Sets them, if that is due again. A sink that is gone is behind by nothing.
    pub(super) async fn set(&mut self, forwarder: &Forwarder) -> Result<(), StoreError> {
        if self.last.is_some_and(|last| last.elapsed() < EVERY) {
            return Ok(());
        }
        self.last = Some(Instant::now());
        let mut tx = forwarder
            .gate
            .store()
            .begin(&forwarder.worker_in(forwarder.platform))
            .await?;
        let lags = tx.sink_lags().await?;
        let now = forwarder.gate.clock().now();
        let mut gone = std::mem::take(&mut self.known);
        for lag in lags {
            let age = lag
                .oldest
                .and_then(|oldest| (now - oldest).to_std().ok())
                .unwrap_or_default();
            set(lag.id, lag.behind, age, lag.failing);
            gone.remove(&lag.id);
            self.known.insert(lag.id);
        }
        gone.into_iter().for_each(|id| set(id, 0, Duration::ZERO, false));
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
fn set(sink: SinkId, behind: u64, age: Duration, failing: bool) {
    let sink = sink.to_string();
    metrics::gauge!("keepgate_sink_lag_entries", "sink" => sink.clone()).set(behind as f64);
    metrics::gauge!("keepgate_sink_lag_seconds", "sink" => sink.clone()).set(age.as_secs_f64());
    metrics::gauge!("keepgate_sink_failing", "sink" => sink).set(f64::from(u8::from(failing)));
}
