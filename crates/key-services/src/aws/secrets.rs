//! Secrets Manager as a secret store.
use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use keepgate_crypto_keys::{Secret, SecretError, SecretStore};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::{Aws, Service, refused};
use crate::{
    fault::Fault,
    secret::{self, Field},
    watch,
};

/// Secrets named by name or ARN; `#FIELD` behind it means a text in a secret that is a JSON object. A version is a version id; the
/// newest is the one staged `AWSCURRENT`.
#[derive(Debug)]
pub struct SecretsManager(Arc<Aws>);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Value {
    version_id: String,
    secret_string: Option<SecretString>,
    secret_binary: Option<SecretString>,
}

impl SecretsManager {
    pub(super) fn new(aws: Arc<Aws>) -> Self {
        Self(aws)
    }

    async fn read(&self, name: &str, version: Option<&str>) -> Result<Secret, Fault> {
        let (id, wanted) = match name.split_once('#') {
            Some((id, field)) => (id, Some(field)),
            None => (name, None),
        };
        if id.is_empty() || wanted == Some("") {
            return Err(Fault::Unusable("its name is not NAME-OR-ARN[#FIELD]"));
        }
        let body = match version {
            Some(version) => json!({"SecretId": id, "VersionId": version}),
            None => json!({"SecretId": id, "VersionStage": "AWSCURRENT"}),
        };
        let answer = self.0.call(Service::Secrets, "GetSecretValue", &body).await?;
        if answer.status != 200 {
            return Err(refused(&answer, own));
        }
        let found: Value = answer.json()?;
        if version.is_some_and(|version| version != found.version_id) {
            return Err(Fault::Strange("another version than we asked for"));
        }
        let value = match (found.secret_string, found.secret_binary, wanted) {
            (Some(text), None, None) => secret::bytes(&text),
            (Some(text), None, Some(wanted)) => {
                let fields: HashMap<String, Field> = serde_json::from_str(text.expose_secret())
                    .map_err(|_| Fault::Unusable("it is not a JSON object, and a field of it is asked for"))?;
                secret::field(&fields, wanted)?
            }
            (None, Some(binary), None) => secret::decode(&binary)?,
            (None, Some(_), Some(_)) => return Err(Fault::Unusable("it is binary, and a field of it is asked for")),
            _ => return Err(Fault::Strange("neither a text nor binary")),
        };
        secret::usable(value, found.version_id)
    }
}

/// The refusals of Secrets Manager itself. An invalid request is one to a secret that is being deleted.
fn own(kind: &str) -> Option<Fault> {
    Some(match kind {
        "ResourceNotFoundException" => Fault::Missing,
        "InvalidRequestException" => Fault::Revoked,
        "InvalidParameterException" | "ValidationException" => Fault::Missing,
        "DecryptionFailure" => Fault::Denied("it may not use the key that protects the secret"),
        "InternalServiceError" => Fault::Down(crate::fault::Failed(500).into()),
        _ => return None,
    })
}

#[async_trait]
impl SecretStore for SecretsManager {
    async fn get(&self, name: &str, version: Option<&str>) -> Result<Secret, SecretError> {
        Ok(self.read(name, version).await?)
    }

    async fn watch(&self, name: &str, known: &str) -> Result<Secret, SecretError> {
        watch::watch(self, name, known, self.0.limits.poll).await
    }
}
