//! Secrets in memory, for tests and for programs that keep nothing.
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::{LARGEST_SECRET, Secret, SecretError, SecretStore};

/// Secrets of this process by name, with all their versions: 1, 2, 3.
#[derive(Debug)]
pub struct MemorySecrets {
    versions: Mutex<HashMap<String, Vec<Secret>>>,
    changed: watch::Sender<()>,
}

impl Default for MemorySecrets {
    fn default() -> Self {
        Self {
            versions: Mutex::default(),
            changed: watch::Sender::new(()),
        }
    }
}

impl MemorySecrets {
    /// Makes `value` the newest version of the secret, and wakes those who wait for it.
    ///
    /// # Errors
    /// [`SecretError::Unusable`] for one that is empty or too large.
    pub fn put(&self, name: &str, value: Zeroizing<Vec<u8>>) -> Result<(), SecretError> {
        if value.is_empty() || value.len() > LARGEST_SECRET {
            return Err(SecretError::Unusable("empty, or larger than any secret"));
        }
        let mut all = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let versions = all.entry(name.to_owned()).or_default();
        let version = (versions.len() + 1).to_string();
        versions.push(Secret { value, version });
        drop(all);
        self.changed.send_replace(());
        Ok(())
    }

    fn find(&self, name: &str, version: Option<&str>) -> Result<Secret, SecretError> {
        let all = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let versions = all.get(name).ok_or(SecretError::NotFound)?;
        let found = match version {
            Some(version) => versions.iter().find(|one| one.version == version),
            None => versions.last(),
        };
        found.cloned().ok_or(SecretError::NotFound)
    }
}

#[async_trait]
impl SecretStore for MemorySecrets {
    async fn get(&self, name: &str, version: Option<&str>) -> Result<Secret, SecretError> {
        self.find(name, version)
    }

    async fn watch(&self, name: &str, known: &str) -> Result<Secret, SecretError> {
        let mut changed = self.changed.subscribe();
        loop {
            let newest = self.find(name, None)?;
            if newest.version != known {
                return Ok(newest);
            }
            // The sender is in `self`.
            let _ = changed.changed().await;
        }
    }
}
