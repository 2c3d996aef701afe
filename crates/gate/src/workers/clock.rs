//! Each minute: how good the clock is that stamps entries, as an entry of the platform's log.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use keepgate_audit::{
    TimeQuality,
    clock::{Attestation, ClockSource, Probe, Watch},
    operations::AttestClock,
};
use keepgate_kernel::{RequestId, TenantId, Uuid};
use keepgate_policy::OpContext;
use keepgate_store::StoreError;
use tokio::sync::watch;

use crate::Service;

const EVERY: Duration = Duration::from_mins(1);
/// After a failure: an attestation holds for three minutes.
const AGAIN: Duration = Duration::from_secs(10);

/// Attests until `stop` turns true, as the node `node`.
pub async fn attest_clock(
    gate: Service,
    platform: TenantId,
    node: Uuid,
    source: Arc<dyn ClockSource>,
    mut stop: watch::Receiver<bool>,
) {
    let mut memory = Watch::new(node);
    let mut said = None;
    while !*stop.borrow() {
        let pause = match once(&gate, platform, &*source, &mut memory).await {
            Ok(attestation) => {
                tell(&attestation, &mut said);
                EVERY
            }
            Err(why) => {
                tracing::warn!(error = why, "the clock can't be attested");
                AGAIN
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn once(
    gate: &Service,
    platform: TenantId,
    source: &dyn ClockSource,
    memory: &mut Watch,
) -> Result<Attestation, String> {
    let probe = look(gate, platform).await.map_err(|error| error.to_string())?;
    let reading = source.reading().await;
    let attestation = memory.judge(reading, probe);
    let now = gate.clock().now();
    let context = OpContext::system(platform, RequestId::new(now), now);
    let command = AttestClock { attestation };
    gate.perform(&context, &command)
        .await
        .map_err(|error| error.to_string())?;
    Ok(command.attestation)
}

/// Compares the two clocks. The transaction is begun before, so that only the question itself is timed.
async fn look(gate: &Service, platform: TenantId) -> Result<Probe, StoreError> {
    let at = gate.clock().now();
    let mut tx = gate
        .store()
        .begin(&OpContext::system(platform, RequestId::new(at), at))
        .await?;
    let (wall, before) = (gate.clock().now(), Instant::now());
    let (database, latest) = tx.clock_probe().await?;
    Ok(Probe {
        wall,
        before,
        after: Instant::now(),
        database,
        latest,
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of a bound fit a double for 285 years"
)]
fn tell(attestation: &Attestation, said: &mut Option<TimeQuality>) {
    let Attestation {
        quality,
        source,
        offset_us,
        bound_us,
        step_us,
        ..
    } = attestation;
    metrics::gauge!("keepgate_clock_bound_seconds").set(*bound_us as f64 / 1e6);
    metrics::gauge!("keepgate_clock_database_offset_seconds").set(*offset_us as f64 / 1e6);
    metrics::gauge!("keepgate_clock_synced").set(if *quality == TimeQuality::Synced { 1.0 } else { 0.0 });
    metrics::counter!("keepgate_clock_steps").increment(u64::from(*step_us != 0));
    if *step_us != 0 {
        tracing::error!(
            step_us,
            "THE DATABASE'S CLOCK JUMPED: times in the audit log around this entry may be wrong"
        );
    }
    if said.replace(*quality) != Some(*quality) {
        let quality = quality.as_str();
        if quality == "synced" {
            tracing::info!(quality, source, bound_us, "how good the clock is");
        } else {
            tracing::warn!(
                quality,
                source,
                bound_us,
                "the clock that stamps the audit log is not known to be right"
            );
        }
    }
}
