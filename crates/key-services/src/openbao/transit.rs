//! The transit engine as a key service.
use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use chrono::DateTime;
use data_encoding::BASE64;
use keepgate_crypto_keys::{KeyContext, KeyService, KeyServiceError, RootKey, RootState, RootVersion, Wrapped};
use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use zeroize::Zeroizing;

use super::OpenBao;
use crate::{BadSettings, fault::Fault, http::Answer, secret, settings::segments};

/// Kinds of keys that bind associated data, of 256 bits.
const KINDS: [&str; 3] = ["aes256-gcm96", "chacha20-poly1305", "xchacha20-poly1305"];
/// The most versions that are described.
const MOST: u32 = 1000;

/// A key of the transit engine. It is never made here: an administrator makes it, and says who may use it.
#[derive(Debug)]
pub struct TransitKeys {
    bao: Arc<OpenBao>,
    mount: String,
    name: String,
}

/// `data` of an answer.
#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct Encrypted {
    ciphertext: String,
}

#[derive(Deserialize)]
struct Decrypted {
    plaintext: SecretString,
}

#[derive(Deserialize)]
struct Key {
    #[serde(rename = "type")]
    kind: String,
    derived: bool,
    keys: HashMap<String, i64>,
    latest_version: u32,
    min_decryption_version: u32,
    min_available_version: u32,
    #[serde(default)]
    soft_deleted: bool,
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

impl TransitKeys {
    pub(super) fn new(bao: Arc<OpenBao>, mount: &str, name: &str) -> Result<Self, BadSettings> {
        segments(mount).ok_or(BadSettings::Name("the mount of the transit engine"))?;
        let single = segments(name).is_some_and(|segments| segments.len() == 1);
        if !single || name.contains(':') {
            return Err(BadSettings::Name("the name of the key"));
        }
        Ok(Self {
            bao,
            mount: mount.to_owned(),
            name: name.to_owned(),
        })
    }

    fn at(&self, before: &[&str], after: &[&str]) -> Url {
        let path = self.mount.split('/').chain(before.iter().copied());
        self.bao
            .at(path.chain([self.name.as_str()]).chain(after.iter().copied()))
    }

    fn prefix(&self) -> String {
        format!("openbao:{}/{}:v", self.mount, self.name)
    }

    async fn key(&self) -> Result<Key, Fault> {
        let answer = self.bao.call(Method::GET, self.at(&["keys"], &[]), None).await?;
        let Data::<Key> { data: key } = answer.ok()?;
        if key.derived || !KINDS.contains(&key.kind.as_str()) {
            return Err(Fault::Unsupported(
                "its key is derived, or of a kind that binds no associated data",
            ));
        }
        if key.soft_deleted {
            return Err(Fault::Revoked);
        }
        Ok(key)
    }

    async fn post(&self, verb: &str, body: &Value) -> Result<Answer, Fault> {
        let answer = self.bao.call(Method::POST, self.at(&[verb], &[]), Some(body)).await?;
        match answer.status {
            400 => Err(refused(&answer)),
            _ => Ok(answer),
        }
    }
}

/// The texts of a 400. Source: `sdk/helper/keysutil/policy.go` and `builtin/logical/transit/path_decrypt.go` of OpenBao 2.
fn refused(answer: &Answer) -> Fault {
    let Ok(Errors { errors }) = answer.json() else {
        return Fault::Strange("a refusal without errors");
    };
    let says = |what: &str| errors.iter().any(|error| error.contains(what));
    if says("message authentication failed") || says("invalid ciphertext") {
        Fault::WrongKey
    } else if says("disallowed by policy") || says("soft deleted") || says("soft-deleted") {
        Fault::Revoked
    } else if says("encryption key not found") {
        Fault::Missing
    } else {
        Fault::Strange("a refusal that we do not know")
    }
}

/// The version in `vault:vN:…`.
fn version(ciphertext: &str) -> Option<u32> {
    ciphertext.strip_prefix("vault:v")?.split_once(':')?.0.parse().ok()
}

#[async_trait]
impl KeyService for TransitKeys {
    /// Reads the key first: asked to encrypt under a name that it does not know, OpenBao would make a key.
    async fn wrap(&self, context: &KeyContext, key: &[u8; 32]) -> Result<Wrapped, KeyServiceError> {
        self.key().await?;
        let plaintext = Zeroizing::new(BASE64.encode(key));
        let body = json!({"plaintext": *plaintext, "associated_data": BASE64.encode(context.as_str().as_bytes())});
        let Data::<Encrypted> { data } = self.post("encrypt", &body).await?.ok()?;
        let version = version(&data.ciphertext).ok_or(Fault::Strange("its ciphertext tells no version"))?;
        Ok(Wrapped {
            kek: format!("{}{version}", self.prefix()),
            bytes: data.ciphertext.into_bytes(),
        })
    }

    async fn unwrap(&self, context: &KeyContext, wrapped: &Wrapped) -> Result<Zeroizing<[u8; 32]>, KeyServiceError> {
        let ciphertext = std::str::from_utf8(&wrapped.bytes).map_err(|_| Fault::WrongKey)?;
        let told = version(ciphertext).map(|version| format!("{}{version}", self.prefix()));
        if told.as_ref() != Some(&wrapped.kek) {
            return Err(KeyServiceError::WrongKey);
        }
        let body = json!({"ciphertext": ciphertext, "associated_data": BASE64.encode(context.as_str().as_bytes())});
        let Data::<Decrypted> { data } = self.post("decrypt", &body).await?.ok()?;
        Ok(secret::key(&data.plaintext)?)
    }

    async fn rotate(&self) -> Result<RootVersion, KeyServiceError> {
        self.key().await?;
        let url = self.at(&["keys"], &["rotate"]);
        let answer = self.bao.call(Method::POST, url, Some(&json!({}))).await?;
        if !matches!(answer.status, 200 | 204) {
            return Err(Fault::of_status(answer.status).into());
        }
        let newest = self.describe().await?.versions.into_iter().next();
        newest.ok_or(KeyServiceError::Strange("a key without versions"))
    }

    async fn describe(&self) -> Result<RootKey, KeyServiceError> {
        let key = self.key().await?;
        let prefix = self.prefix();
        let state = |number: u32| match number {
            number if number < key.min_available_version => RootState::Destroyed,
            number if number < key.min_decryption_version => RootState::Suspended,
            number if number < key.latest_version => RootState::Deactivated,
            _ => RootState::Active,
        };
        let versions = (1..=key.latest_version)
            .rev()
            .take(MOST as usize)
            .map(|number| RootVersion {
                kek: format!("{prefix}{number}"),
                state: state(number),
                created_at: key
                    .keys
                    .get(&number.to_string())
                    .and_then(|seconds| DateTime::from_timestamp(*seconds, 0)),
            });
        Ok(RootKey {
            service: "openbao",
            name: format!("{}/{}", self.mount, self.name),
            current: format!("{prefix}{}", key.latest_version),
            versions: versions.collect(),
        })
    }
}
