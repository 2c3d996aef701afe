//! Forgets what nobody needs any more: counters of failed log-ins that lock nothing.
use std::time::Duration;

use keepgate_kernel::{RequestId, TenantId};
use keepgate_policy::OpContext;
use keepgate_store::StoreError;
use tokio::sync::watch;

use crate::Service;

const EVERY: Duration = Duration::from_hours(1);
/// A counter that nobody has touched for a day.
const IDLE: Duration = Duration::from_hours(24);

/// Sweeps every hour until `stop` turns true. A database that is away is left for the next hour.
pub async fn sweep(gate: Service, platform: TenantId, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        match once(&gate, platform).await {
            Ok(forgotten) => tracing::debug!(forgotten, "counters of failed log-ins swept"),
            Err(error) => tracing::warn!(error = %error, "counters of failed log-ins can't be swept"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "bookkeeping: no operation of anybody, so there is no entry to write"
)]
async fn once(gate: &Service, platform: TenantId) -> Result<u64, StoreError> {
    let now = gate.clock().now();
    let mut tx = gate
        .store()
        .begin(&OpContext::system(platform, RequestId::new(now), now))
        .await?;
    let forgotten = tx.sweep_throttle(IDLE).await?;
    tx.commit().await?;
    Ok(forgotten)
}
