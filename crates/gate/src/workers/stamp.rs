//! Each hour: a time stamp over the latest checkpoint of the log of logs, by somebody else's clock.
use std::{sync::Arc, time::Duration};

use keepgate_audit::timestamp::{NotStamped, StampedLogs, TimestampAuthority, Trust, stamp};
use keepgate_kernel::Timestamp;
use tokio::sync::watch;

use crate::Service;

const EVERY: Duration = Duration::from_hours(1);
/// How often is looked while there is nothing to stamp.
const LOOK: Duration = Duration::from_secs(5);
/// After the first failure; then twice as long each time, up to [`EVERY`].
const AGAIN: Duration = Duration::from_secs(15);
/// An authority whose clock differs so much from ours, in seconds, is worth a warning.
const FAR: i64 = 60;

/// Who stamps, and whose word counts.
pub struct Stamping {
    /// The tokens, and what they are about.
    pub logs: Arc<dyn StampedLogs>,
    /// Who is asked.
    pub authority: Arc<dyn TimestampAuthority>,
    /// Who must have signed.
    pub trust: Trust,
}

impl std::fmt::Debug for Stamping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stamping")
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

/// Stamps until `stop` turns true. Nobody waits for it, and a failure only delays the next stamp.
pub async fn stamp_checkpoints(gate: Service, stamping: Stamping, mut stop: watch::Receiver<bool>) {
    let mut failures = 0_u32;
    while !*stop.borrow() {
        let pause = match once(&gate, &stamping).await {
            Ok(pause) => {
                failures = 0;
                pause
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                let pause = AGAIN.saturating_mul(1 << failures.saturating_sub(1).min(8)).min(EVERY);
                metrics::counter!("keepgate_tsa_stamps", "outcome" => error.as_str()).increment(1);
                tracing::warn!(
                    error = %error,
                    again_in = pause.as_secs(),
                    "the latest checkpoint was not time-stamped; nothing was kept"
                );
                pause
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => {}
        }
    }
}

/// How long to rest.
async fn once(gate: &Service, stamping: &Stamping) -> Result<Duration, NotStamped> {
    let due = stamping.logs.due_stamp().await?;
    if let Some(last) = due.last {
        let age = (gate.clock().now() - last).to_std().unwrap_or_default();
        metrics::gauge!("keepgate_tsa_age_seconds").set(age.as_secs_f64());
        if age < EVERY {
            return Ok((EVERY - age).min(Duration::from_mins(1)));
        }
    }
    let Some(of) = due.checkpoint else { return Ok(LOOK) };
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| NotStamped::Random)?;
    let random = u64::from_be_bytes(random);
    let made = stamp(&*stamping.logs, &*stamping.authority, &stamping.trust, &of, random).await?;
    tell(gate.clock().now(), made.at, of.size);
    Ok(LOOK)
}

fn tell(now: Timestamp, theirs: Timestamp, size: u64) {
    metrics::counter!("keepgate_tsa_stamps", "outcome" => "done").increment(1);
    tracing::info!(size, at = %theirs, "the log of logs is time-stamped");
    let ahead = (now - theirs).num_seconds();
    if ahead.abs() > FAR {
        tracing::warn!(ahead, "our clock and that of the time-stamping authority differ");
    }
}
