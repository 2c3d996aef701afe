//! Keeps the erasures and the ends of keys in the database and their second copy outside it the same.
use std::{sync::Arc, time::Duration};

use keepgate_kernel::TenantId;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::{Service, Tombstones};

const EVERY: Duration = Duration::from_mins(1);

/// Settles every minute until `stop` turns true, and destroys what is left of callers nobody knows after `stranger_days`; the first time is the caller's, before anybody is served. A database that is
/// away is left for the next minute. With each `hint` the keys that another instance ended leave this one's memory.
pub async fn settle_erasures(
    gate: Service,
    tombstones: Arc<dyn Tombstones>,
    platform: TenantId,
    stranger_days: u16,
    hint: Arc<Notify>,
    mut stop: watch::Receiver<bool>,
) {
    let mut tick = interval_at(Instant::now() + EVERY, EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !*stop.borrow() {
        tokio::select! {
            _ = tick.tick() => {}
            () = hint.notified() => {
                if let Err(error) = gate.hear_of_key_ends(platform).await {
                    tracing::warn!(error = %error, "which data keys came to their end can't be read");
                }
                continue;
            }
            _ = stop.changed() => return,
        }
        if let Err(error) = gate.end_strangers(stranger_days, platform).await {
            tracing::warn!(error = %error, "old addresses of callers nobody knows can't be destroyed");
        }
        if let Err(error) = gate.settle_keys(&tombstones, platform).await {
            tracing::warn!(error = %error, "data keys whose end has come can't be ended, or not be recorded");
        }
        if let Err(error) = gate.settle_erasures(&tombstones, platform).await {
            tracing::warn!(error = %error, "erasures can't be compared with their copies outside the database");
        }
    }
}
