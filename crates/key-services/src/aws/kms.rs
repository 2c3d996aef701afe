//! KMS as a key service.
use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::DateTime;
use data_encoding::BASE64;
use keepgate_crypto_keys::{KeyContext, KeyService, KeyServiceError, RootKey, RootState, RootVersion, Wrapped};
use keepgate_kernel::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{Aws, Service, refused};
use crate::{BadSettings, fault::Fault, secret};

/// The name in the encryption context under which ours stands. It is written to CloudTrail, and holds no secret.
const NAME: &str = "keepgate";
/// The most pages of rotations that are read, 1000 each.
const PAGES: usize = 10;

/// A symmetric KMS key. It is never made here: an administrator makes it, and says who may use it.
///
/// KMS does not tell which material encrypted. A version is one more than the rotations that the key has had, read before wrapping: so
/// what is wrapped is never named newer than it is.
#[derive(Debug)]
pub struct KmsKeys {
    aws: Arc<Aws>,
    key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    key_metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    arn: String,
    key_state: String,
    key_usage: String,
    creation_date: f64,
    key_spec: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rotations {
    rotations: Vec<Rotation>,
    #[serde(default)]
    next_marker: Option<String>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Rotation {
    rotation_date: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Encrypted {
    ciphertext_blob: String,
    key_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypted {
    plaintext: SecretString,
    key_id: String,
}

impl KmsKeys {
    pub(super) fn new(aws: Arc<Aws>, key: &str) -> Result<Self, BadSettings> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b":/_-".contains(&byte);
        if key.is_empty() || key.len() > 2048 || !key.bytes().all(good) {
            return Err(BadSettings::Name("the id of the key"));
        }
        Ok(Self {
            aws,
            key: key.to_owned(),
        })
    }

    async fn call<T: DeserializeOwned>(&self, operation: &str, body: Value) -> Result<T, Fault> {
        let answer = self.aws.call(Service::Kms, operation, &body).await?;
        if answer.status == 200 {
            answer.json()
        } else {
            Err(refused(&answer, own))
        }
    }

    /// When the key was rotated, oldest first.
    async fn rotations(&self, arn: &str) -> Result<Vec<Timestamp>, Fault> {
        let mut dates = Vec::new();
        let mut body = json!({"KeyId": arn, "Limit": 1000});
        for _ in 0..PAGES {
            let page: Rotations = self.call("ListKeyRotations", body).await?;
            for rotation in page.rotations {
                dates.push(time(rotation.rotation_date)?);
            }
            match page.next_marker.filter(|_| page.truncated) {
                Some(marker) => body = json!({"KeyId": arn, "Limit": 1000, "Marker": marker}),
                None => {
                    dates.sort_unstable();
                    return Ok(dates);
                }
            }
        }
        Err(Fault::Unsupported("the key has had too many rotations"))
    }

    async fn metadata(&self) -> Result<Metadata, Fault> {
        let Described { key_metadata } = self.call("DescribeKey", json!({"KeyId": self.key})).await?;
        if key_metadata.key_usage != "ENCRYPT_DECRYPT" || key_metadata.key_spec != "SYMMETRIC_DEFAULT" {
            return Err(Fault::Unsupported("its key is not a symmetric one for encryption"));
        }
        Ok(key_metadata)
    }
}

/// The refusals of KMS itself.
fn own(kind: &str) -> Option<Fault> {
    Some(match kind {
        "InvalidCiphertextException" | "IncorrectKeyException" => Fault::WrongKey,
        "DisabledException" | "KMSInvalidStateException" => Fault::Revoked,
        "NotFoundException" => Fault::Missing,
        "InvalidKeyUsageException" | "UnsupportedOperationException" => Fault::Unsupported("not with this kind of key"),
        "DependencyTimeoutException" => Fault::Slow,
        "ConflictException" => Fault::Throttled,
        _ => return None,
    })
}

fn time(seconds: f64) -> Result<Timestamp, Fault> {
    let whole = Duration::try_from_secs_f64(seconds).map_err(|_| Fault::Strange("a time that is none"))?;
    i64::try_from(whole.as_secs())
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .ok_or(Fault::Strange("a time that is none"))
}

fn named(arn: &str, version: usize) -> String {
    format!("aws:{arn}:v{version}")
}

fn context(context: &KeyContext) -> Value {
    json!({NAME: context.as_str()})
}

#[async_trait]
impl KeyService for KmsKeys {
    async fn wrap(&self, bound: &KeyContext, key: &[u8; 32]) -> Result<Wrapped, KeyServiceError> {
        let arn = self.metadata().await?.arn;
        let version = self.rotations(&arn).await?.len() + 1;
        let plaintext = Zeroizing::new(BASE64.encode(key));
        let body = json!({"KeyId": arn, "Plaintext": *plaintext, "EncryptionContext": context(bound)});
        let done: Encrypted = self.call("Encrypt", body).await?;
        if done.key_id != arn {
            return Err(KeyServiceError::Strange("another key encrypted"));
        }
        let bytes = BASE64.decode(done.ciphertext_blob.as_bytes());
        Ok(Wrapped {
            kek: named(&arn, version),
            bytes: bytes.map_err(|_| Fault::Strange("its base64 is broken"))?,
        })
    }

    async fn unwrap(&self, bound: &KeyContext, wrapped: &Wrapped) -> Result<Zeroizing<[u8; 32]>, KeyServiceError> {
        let named = wrapped.kek.strip_prefix("aws:").and_then(|rest| rest.rsplit_once(":v"));
        let (arn, _) = named.ok_or(KeyServiceError::WrongKey)?;
        // The key of the settings, not the one that the row names: whoever edits a row must not choose the key.
        let body = json!({
            "KeyId": self.key, "CiphertextBlob": BASE64.encode(&wrapped.bytes), "EncryptionContext": context(bound)
        });
        let done: Decrypted = self.call("Decrypt", body).await?;
        if done.key_id != arn {
            return Err(KeyServiceError::WrongKey);
        }
        Ok(secret::key(&done.plaintext)?)
    }

    /// KMS rotates in its own time: waited for as long as one call may take, and then told as slow. It allows 25 rotations on demand in
    /// the life of a key.
    async fn rotate(&self) -> Result<RootVersion, KeyServiceError> {
        let arn = self.metadata().await?.arn;
        let before = self.rotations(&arn).await?.len();
        let _asked: Value = self.call("RotateKeyOnDemand", json!({"KeyId": arn})).await?;
        let patience = Instant::now() + self.aws.limits.timeout;
        loop {
            let dates = self.rotations(&arn).await?;
            if let (true, Some(newest)) = (dates.len() > before, dates.last()) {
                return Ok(RootVersion {
                    kek: named(&arn, dates.len() + 1),
                    state: RootState::Active,
                    created_at: Some(*newest),
                });
            }
            if Instant::now() >= patience {
                return Err(KeyServiceError::Slow);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn describe(&self) -> Result<RootKey, KeyServiceError> {
        let key = self.metadata().await?;
        let mut made = vec![time(key.creation_date)?];
        made.extend(self.rotations(&key.arn).await?);
        let newest = made.len();
        let state = |version: usize| match key.key_state.as_str() {
            "Enabled" if version == newest => RootState::Active,
            "Enabled" => RootState::Deactivated,
            _ => RootState::Suspended,
        };
        let versions = made.iter().enumerate().rev().map(|(index, at)| RootVersion {
            kek: named(&key.arn, index + 1),
            state: state(index + 1),
            created_at: Some(*at),
        });
        Ok(RootKey {
            service: "aws",
            name: self.key.clone(),
            current: named(&key.arn, newest),
            versions: versions.collect(),
        })
    }
}
