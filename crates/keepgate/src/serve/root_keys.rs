//! What `/readyz` says of the key service.
use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use keepgate_api_gateway::Probe;
use keepgate_crypto_keys::{KeyService, Patient};

/// Idle services are asked so often whether the root key is still there.
const EVERY: Duration = Duration::from_mins(1);
/// A service that is away for less is waited for.
const SHORT: Duration = Duration::from_secs(30);

/// The service of the root key.
pub struct RootKeys(pub Arc<Patient<dyn KeyService>>);

impl Probe for RootKeys {
    fn name(&self) -> &'static str {
        "key-service"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            let health = self.0.health();
            if health.failing.is_some() || health.well.is_none_or(|well| well.elapsed() > EVERY) {
                // What it says is in the patient's health, and in the log.
                let _told = self.0.describe().await;
            }
            let health = self.0.health();
            match (health.failing, health.since) {
                (Some(why), Some(since)) if since.elapsed() > SHORT => Err(format!(
                    "the key service fails ({why}) for {} s; opened keys last for a while",
                    since.elapsed().as_secs()
                )),
                _ => Ok(()),
            }
        })
    }
}
