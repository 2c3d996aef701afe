//! Writes down, once a minute, which API keys were used.
use std::{sync::Arc, time::Duration};

use keepgate_identity::Authenticator;
use keepgate_kernel::{Clock, RequestId};
use tokio::sync::watch;

use crate::Tx;

const EVERY: Duration = Duration::from_mins(1);

/// Writes every minute until `stop` turns true. What a database that is away did not take is kept for the next minute.
pub async fn write_uses(
    authenticator: Arc<Authenticator<dyn Tx>>,
    clock: Arc<dyn Clock>,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => {}
        }
        let now = clock.now();
        if let Err(error) = authenticator.write_uses(RequestId::new(now), now).await {
            tracing::warn!(error = %error, "uses of API keys can't be written down; kept for the next minute");
        }
    }
}
