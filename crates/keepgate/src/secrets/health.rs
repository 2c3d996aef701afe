//! What is wrong with secrets while the service runs: it goes on with the values it has, and says so.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::BoxFuture;
use keepgate_api_gateway::Probe;

/// By the key of the configuration. Clones share it.
#[derive(Clone, Default)]
pub struct SecretHealth(Arc<Mutex<BTreeMap<String, String>>>);

impl SecretHealth {
    /// A new value can't be used. Counted each time, logged when it is another trouble than before.
    pub fn tell(&self, key: &str, why: &str) {
        metrics::counter!("keepgate_secret_errors", "key" => key.to_owned()).increment(1);
        if self.troubles().insert(key.to_owned(), why.to_owned()).as_deref() != Some(why) {
            tracing::error!(
                key,
                why,
                "the new value of a secret can't be used; the old one stays in use"
            );
        }
    }

    /// The newest value is in use.
    pub fn well(&self, key: &str) {
        if self.troubles().remove(key).is_some() {
            tracing::info!(key, "the secret can be used again");
        }
    }

    fn troubles(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Probe for SecretHealth {
    fn name(&self) -> &'static str {
        "secrets"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn warning(&self) -> Option<String> {
        let told: Vec<String> = self
            .troubles()
            .iter()
            .map(|(key, why)| format!("{key}: {why}"))
            .collect();
        (!told.is_empty()).then(|| format!("old values stay in use; {}", told.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_broken_new_value_is_a_warning_until_it_is_well_and_never_unready() {
        let health = SecretHealth::default();
        assert_eq!(health.warning(), None);
        health.tell("mail.password", "it is empty");
        assert_eq!(health.check().await, Ok(()));
        assert!(health.warning().unwrap().contains("mail.password: it is empty"));
        health.well("mail.password");
        assert_eq!(health.warning(), None);
    }
}
