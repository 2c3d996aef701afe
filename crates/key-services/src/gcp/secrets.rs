//! Secret Manager as a secret store.
use std::sync::Arc;

use async_trait::async_trait;
use keepgate_crypto_keys::{Secret, SecretError, SecretStore};
use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;

use super::{Gcp, at, intact, refused};
use crate::{fault::Fault, secret, settings::segments, watch};

/// Secrets named `projects/P/secrets/S`; a version is a number or an alias.
#[derive(Debug)]
pub struct SecretManager(Arc<Gcp>);

#[derive(Deserialize)]
struct Accessed {
    name: String,
    payload: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(default)]
    data: SecretString,
    data_crc32c: String,
}

impl SecretManager {
    pub(super) fn new(gcp: Arc<Gcp>) -> Self {
        Self(gcp)
    }

    async fn read(&self, name: &str, version: Option<&str>) -> Result<Secret, Fault> {
        let good = |part: &str| {
            part.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        };
        let parts = segments(name);
        let (Some(["projects", project, "secrets", secret]), wanted) = (parts.as_deref(), version.unwrap_or("latest"))
        else {
            return Err(Fault::Unusable("its name is not projects/P/secrets/S"));
        };
        if !good(project) || !good(secret) || wanted.is_empty() || !good(wanted) {
            return Err(Fault::Unusable("its name is not projects/P/secrets/S"));
        }
        let url = at(&self.0.secrets, &format!("{name}/versions/{wanted}"), Some("access"));
        let answer = self.0.call(Method::GET, url, None).await?;
        if answer.status != 200 {
            return Err(refused(&answer, Fault::Missing, Fault::Revoked));
        }
        let found: Accessed = answer.json()?;
        // The project may be told by its number.
        let told = match segments(&found.name).as_deref() {
            Some(["projects", _, "secrets", of, "versions", number]) if of == secret => (*number).to_owned(),
            _ => return Err(Fault::Strange("another secret than we asked for")),
        };
        let value = secret::decode(&found.payload.data)?;
        intact(&value, &found.payload.data_crc32c)?;
        secret::usable(value, told)
    }
}

#[async_trait]
impl SecretStore for SecretManager {
    async fn get(&self, name: &str, version: Option<&str>) -> Result<Secret, SecretError> {
        Ok(self.read(name, version).await?)
    }

    async fn watch(&self, name: &str, known: &str) -> Result<Secret, SecretError> {
        watch::watch(self, name, known, self.0.limits.poll).await
    }
}
