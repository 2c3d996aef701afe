//! Watching by looking: none of the services calls us.
use std::time::Duration;

use keepgate_crypto_keys::{Secret, SecretError, SecretStore};

/// Looks every `poll`, give or take a fifth, until the newest version is not `known`. The pause comes first, so that whoever asks
/// again after an error asks no more often than that.
pub async fn watch(store: &dyn SecretStore, name: &str, known: &str, poll: Duration) -> Result<Secret, SecretError> {
    loop {
        tokio::time::sleep(poll.mul_f64(rand::random_range(0.8..1.2))).await;
        let found = store.get(name, None).await?;
        if found.version != known {
            return Ok(found);
        }
    }
}
