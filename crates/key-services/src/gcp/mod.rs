//! Google Cloud: KMS and Secret Manager, as the machine's own service account.
//!
//! Source: the REST references of Cloud KMS v1 and Secret Manager v1, "Verifying end-to-end data integrity" (CRC-32C), and the Compute
//! Engine metadata server.
mod kms;
mod secrets;
mod settings;
mod token;

use std::sync::Arc;

use crc::{CRC_32_ISCSI, Crc};
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

pub use kms::CloudKmsKeys;
pub use secrets::SecretManager;
pub use settings::Settings;
use token::Held;

use crate::{
    BadSettings, Limits,
    fault::Fault,
    http::{Answer, Http, secret_header},
    settings::{address, join, platform_address, segments},
};

/// Where machines ask who they are. By its name or its address; a proxy is never asked.
const METADATA: [&str; 2] = ["metadata.google.internal", "169.254.169.254"];
/// CRC-32C (Castagnoli).
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// A client with one token for all that is asked of it.
#[derive(Debug)]
pub struct Gcp {
    http: Http,
    kms: Url,
    secrets: Url,
    metadata: Url,
    account: String,
    limits: Limits,
    held: Mutex<Option<Held>>,
}

/// The body of a refusal (`google.rpc.Status`).
#[derive(Deserialize)]
struct Refused {
    error: Status,
}

#[derive(Deserialize)]
struct Status {
    status: String,
}

impl Gcp {
    /// A client; it asks who it is when it is first asked for something.
    ///
    /// # Errors
    /// [`BadSettings`].
    pub fn new(settings: Settings) -> Result<Arc<Self>, BadSettings> {
        let fixed = |given: Option<Url>, usual: &str| match given {
            Some(url) => Ok(url),
            None => usual.parse().map_err(|_| BadSettings::Address),
        };
        if segments(&settings.account).is_none_or(|segments| segments.len() != 1) {
            return Err(BadSettings::Name("the service account"));
        }
        let metadata = fixed(settings.metadata_url, "http://metadata.google.internal")?;
        Ok(Arc::new(Self {
            http: Http::new(&settings.trust, settings.limits.timeout)?,
            kms: address(fixed(settings.kms_url, "https://cloudkms.googleapis.com")?)?,
            secrets: address(fixed(settings.secrets_url, "https://secretmanager.googleapis.com")?)?,
            metadata: platform_address(metadata, &METADATA)?,
            account: settings.account,
            limits: settings.limits,
            held: Mutex::new(None),
        }))
    }

    /// A key, named `projects/P/locations/L/keyRings/R/cryptoKeys/K`.
    ///
    /// # Errors
    /// [`BadSettings::Name`].
    pub fn keys(self: &Arc<Self>, key: &str) -> Result<CloudKmsKeys, BadSettings> {
        CloudKmsKeys::new(Arc::clone(self), key)
    }

    /// The secrets of all projects that our account may read.
    #[must_use]
    pub fn secrets(self: &Arc<Self>) -> SecretManager {
        SecretManager::new(Arc::clone(self))
    }

    /// One call. A token that ended early is fetched anew once.
    async fn call(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Answer, Fault> {
        let answer = self.ask(&method, &url, body).await?;
        if answer.status == 401 && self.forget().await {
            return self.ask(&method, &url, body).await;
        }
        Ok(answer)
    }

    async fn ask(&self, method: &Method, url: &Url, body: Option<&Value>) -> Result<Answer, Fault> {
        let token = secret_header("Bearer ", &self.token().await?)?;
        let mut request = self.http.client().request(method.clone(), url.clone());
        request = request.header("authorization", token);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.http.send(request.build()).await
    }
}

/// `base/v1/NAME`, and `:verb` behind it.
fn at(base: &Url, name: &str, verb: Option<&str>) -> Url {
    let mut name: Vec<&str> = name.split('/').collect();
    let last = name.pop().unwrap_or_default();
    let last = verb.map_or_else(|| last.to_owned(), |verb| format!("{last}:{verb}"));
    join(base, ["v1"].into_iter().chain(name).chain([last.as_str()]))
}

/// What a refusal means; `invalid` and `not_now` are what bad arguments and unmet conditions mean for this call.
fn refused(answer: &Answer, invalid: Fault, not_now: Fault) -> Fault {
    let Ok(Refused { error }) = answer.json() else {
        return Fault::of_status(answer.status);
    };
    match error.status.as_str() {
        "INVALID_ARGUMENT" => invalid,
        "FAILED_PRECONDITION" => not_now,
        "PERMISSION_DENIED" => Fault::Denied("our account is not allowed to"),
        "UNAUTHENTICATED" => Fault::Denied("it does not accept our token"),
        "NOT_FOUND" => Fault::Missing,
        "RESOURCE_EXHAUSTED" => Fault::Throttled,
        "DEADLINE_EXCEEDED" => Fault::Slow,
        _ => Fault::of_status(answer.status),
    }
}

/// A checksum as JSON carries it: an integer of 64 bits is a text.
fn checksum(bytes: &[u8]) -> String {
    CRC.checksum(bytes).to_string()
}

/// Whether `bytes` came as they were sent.
fn intact(bytes: &[u8], told: &str) -> Result<(), Fault> {
    if checksum(bytes) == told {
        Ok(())
    } else {
        Err(Fault::Unusable("it was damaged on its way: its checksum is another"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_rfc_3720() {
        assert_eq!(CRC.checksum(&[0; 32]), 0x8a91_36aa);
        assert_eq!(CRC.checksum(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(checksum(b"123456789"), 0xe306_9283_u32.to_string());
    }

    #[test]
    fn a_verb_stands_behind_a_colon() {
        let base: Url = "https://kms.example".parse().unwrap();
        assert_eq!(
            at(&base, "a/b", Some("encrypt")).as_str(),
            "https://kms.example/v1/a/b:encrypt"
        );
        assert_eq!(at(&base, "a/b c", None).as_str(), "https://kms.example/v1/a/b%20c");
    }
}
