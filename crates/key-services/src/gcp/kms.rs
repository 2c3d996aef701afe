//! Cloud KMS as a key service.
use std::sync::Arc;

use async_trait::async_trait;
use data_encoding::BASE64;
use keepgate_crypto_keys::{KeyContext, KeyService, KeyServiceError, RootKey, RootState, RootVersion, Wrapped};
use keepgate_kernel::Timestamp;
use reqwest::Method;
use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Gcp, at, checksum, intact, refused};
use crate::{BadSettings, fault::Fault, secret, settings::segments};

/// The most pages of versions that are read.
const PAGES: usize = 20;

/// A symmetric key of Cloud KMS. It is never made here: an administrator makes it, and says who may use it.
#[derive(Debug)]
pub struct CloudKmsKeys {
    gcp: Arc<Gcp>,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Encrypted {
    name: String,
    ciphertext: String,
    ciphertext_crc32c: String,
    #[serde(default)]
    verified_plaintext_crc32c: bool,
    #[serde(default)]
    verified_additional_authenticated_data_crc32c: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Decrypted {
    plaintext: SecretString,
    plaintext_crc32c: String,
}

#[derive(Deserialize)]
struct Key {
    purpose: String,
    primary: Option<Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Versions {
    #[serde(default)]
    crypto_key_versions: Vec<Version>,
    #[serde(default)]
    next_page_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    name: String,
    state: String,
    create_time: Option<Timestamp>,
}

impl CloudKmsKeys {
    pub(super) fn new(gcp: Arc<Gcp>, name: &str) -> Result<Self, BadSettings> {
        let parts = segments(name);
        let good = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        };
        match parts.as_deref() {
            Some(
                [
                    "projects",
                    project,
                    "locations",
                    place,
                    "keyRings",
                    ring,
                    "cryptoKeys",
                    key,
                ],
            ) if good(project)
                && [place, ring, key]
                    .iter()
                    .all(|text| good(text) && !text.contains([':', '.'])) =>
            {
                Ok(Self {
                    gcp,
                    name: name.to_owned(),
                })
            }
            _ => Err(BadSettings::Name("the name of the key")),
        }
    }

    /// `gcp:KEY:vN` of a version's full name, if it is one of this key.
    fn named(&self, version: &str) -> Result<String, Fault> {
        Ok(format!("gcp:{}:v{}", self.name, self.number(version)?))
    }

    fn number(&self, version: &str) -> Result<u32, Fault> {
        let number = version
            .strip_prefix(&self.name)
            .and_then(|rest| rest.strip_prefix("/cryptoKeyVersions/"));
        number
            .and_then(|number| number.parse().ok())
            .ok_or(Fault::Strange("a version of another key"))
    }

    async fn get<T: DeserializeOwned>(&self, url: url::Url) -> Result<T, Fault> {
        let answer = self.gcp.call(Method::GET, url, None).await?;
        if answer.status == 200 {
            return answer.json();
        }
        Err(refused(
            &answer,
            Fault::Strange("a refusal that we do not know"),
            Fault::Revoked,
        ))
    }

    async fn post<T: DeserializeOwned>(
        &self,
        what: &str,
        verb: Option<&str>,
        body: Value,
        invalid: Fault,
    ) -> Result<T, Fault> {
        let url = at(&self.gcp.kms, what, verb);
        let answer = self.gcp.call(Method::POST, url, Some(&body)).await?;
        if answer.status == 200 {
            return answer.json();
        }
        Err(refused(&answer, invalid, Fault::Revoked))
    }

    async fn primary(&self) -> Result<String, Fault> {
        let key: Key = self.get(at(&self.gcp.kms, &self.name, None)).await?;
        if key.purpose != "ENCRYPT_DECRYPT" {
            return Err(Fault::Unsupported("its key is not a symmetric one for encryption"));
        }
        let primary = key.primary.ok_or(Fault::Revoked)?;
        Ok(primary.name)
    }

    async fn versions(&self) -> Result<Vec<Version>, Fault> {
        let mut all = Vec::new();
        let mut token = String::new();
        for _ in 0..PAGES {
            let mut url = at(&self.gcp.kms, &format!("{}/cryptoKeyVersions", self.name), None);
            url.query_pairs_mut().append_pair("pageSize", "200");
            if !token.is_empty() {
                url.query_pairs_mut().append_pair("pageToken", &token);
            }
            let page: Versions = self.get(url).await?;
            all.extend(page.crypto_key_versions);
            token = page.next_page_token;
            if token.is_empty() {
                return Ok(all);
            }
        }
        Err(Fault::Unsupported("the key has too many versions"))
    }
}

#[async_trait]
impl KeyService for CloudKmsKeys {
    async fn wrap(&self, context: &KeyContext, key: &[u8; 32]) -> Result<Wrapped, KeyServiceError> {
        let (plaintext, bound) = (Zeroizing::new(BASE64.encode(key)), context.as_str().as_bytes());
        let body = json!({
            "plaintext": *plaintext, "plaintextCrc32c": checksum(key),
            "additionalAuthenticatedData": BASE64.encode(bound), "additionalAuthenticatedDataCrc32c": checksum(bound),
        });
        let damaged = Fault::Strange("it takes our request for damaged or wrong");
        let done: Encrypted = self.post(&self.name, Some("encrypt"), body, damaged).await?;
        if !done.verified_plaintext_crc32c || !done.verified_additional_authenticated_data_crc32c {
            return Err(KeyServiceError::Strange("it did not check what it got"));
        }
        let bytes = BASE64
            .decode(done.ciphertext.as_bytes())
            .map_err(|_| Fault::Strange("its base64 is broken"))?;
        intact(&bytes, &done.ciphertext_crc32c)?;
        Ok(Wrapped {
            kek: self.named(&done.name)?,
            bytes,
        })
    }

    async fn unwrap(&self, context: &KeyContext, wrapped: &Wrapped) -> Result<Zeroizing<[u8; 32]>, KeyServiceError> {
        let version = wrapped.kek.strip_prefix("gcp:").and_then(|rest| rest.rsplit_once(":v"));
        if version.is_none_or(|(name, _)| name != self.name) {
            return Err(KeyServiceError::WrongKey);
        }
        let bound = context.as_str().as_bytes();
        let body = json!({
            "ciphertext": BASE64.encode(&wrapped.bytes), "ciphertextCrc32c": checksum(&wrapped.bytes),
            "additionalAuthenticatedData": BASE64.encode(bound), "additionalAuthenticatedDataCrc32c": checksum(bound),
        });
        let done: Decrypted = self.post(&self.name, Some("decrypt"), body, Fault::WrongKey).await?;
        let key = secret::key(&done.plaintext)?;
        intact(&key[..], &done.plaintext_crc32c)?;
        Ok(key)
    }

    /// A new version, made the primary one. If the second step fails, the version stays, unused, and the next rotation makes another.
    async fn rotate(&self) -> Result<RootVersion, KeyServiceError> {
        let odd = || Fault::Strange("a refusal that we do not know");
        let parent = format!("{}/cryptoKeyVersions", self.name);
        let made: Version = self.post(&parent, None, json!({}), odd()).await?;
        let body = json!({"cryptoKeyVersionId": self.number(&made.name)?.to_string()});
        let key: Key = self.post(&self.name, Some("updatePrimaryVersion"), body, odd()).await?;
        if key.primary.is_none_or(|primary| primary.name != made.name) {
            return Err(KeyServiceError::Strange("the new version is not the primary one"));
        }
        Ok(RootVersion {
            kek: self.named(&made.name)?,
            state: RootState::Active,
            created_at: made.create_time,
        })
    }

    async fn describe(&self) -> Result<RootKey, KeyServiceError> {
        let primary = self.primary().await?;
        let mut found = self.versions().await?;
        let mut numbered = Vec::with_capacity(found.len());
        for version in found.drain(..) {
            numbered.push((self.number(&version.name)?, version));
        }
        numbered.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
        let state = |version: &Version| match version.state.as_str() {
            "ENABLED" if version.name == primary => RootState::Active,
            "ENABLED" => RootState::Deactivated,
            "DESTROYED" => RootState::Destroyed,
            _ => RootState::Suspended,
        };
        let versions = numbered.iter().map(|(number, version)| RootVersion {
            kek: format!("gcp:{}:v{number}", self.name),
            state: state(version),
            created_at: version.create_time,
        });
        Ok(RootKey {
            service: "gcp",
            name: self.name.clone(),
            current: self.named(&primary)?,
            versions: versions.collect(),
        })
    }
}
