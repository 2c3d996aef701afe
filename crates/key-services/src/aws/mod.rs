//! Amazon Web Services: KMS and Secrets Manager.
//!
//! Source: AWS KMS API reference, Secrets Manager API reference (both JSON 1.1), STS `AssumeRoleWithWebIdentity`, and the credential
//! endpoints of EC2 (IMDSv2), ECS and EKS.
mod identity;
mod kms;
mod platform;
mod secrets;
mod settings;
mod sign;

use std::sync::Arc;

use keepgate_kernel::Clock;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use identity::Held;
pub use kms::KmsKeys;
pub use secrets::SecretsManager;
pub use settings::{Identity, Settings};

use crate::{
    BadSettings, Limits,
    fault::Fault,
    http::{Answer, Http},
    settings::address,
};

/// A client with one identity for all that is asked of it.
#[derive(Debug)]
pub struct Aws {
    http: Http,
    region: String,
    kms: Url,
    secrets: Url,
    sts: Url,
    identity: Identity,
    limits: Limits,
    clock: Arc<dyn Clock>,
    held: Mutex<Option<Held>>,
}

/// Which of the services, and what its operations are called by.
#[derive(Debug, Clone, Copy)]
enum Service {
    Kms,
    Secrets,
}

impl Service {
    const fn name(self) -> &'static str {
        match self {
            Self::Kms => "kms",
            Self::Secrets => "secretsmanager",
        }
    }

    const fn target(self) -> &'static str {
        match self {
            Self::Kms => "TrentService",
            Self::Secrets => "secretsmanager",
        }
    }
}

/// The body of a refusal.
#[derive(Deserialize)]
struct Refused {
    #[serde(rename = "__type")]
    kind: String,
}

impl Aws {
    /// A client; it asks who it is when it is first asked for something. Signatures tell the time of `clock`.
    ///
    /// # Errors
    /// [`BadSettings`].
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Result<Arc<Self>, BadSettings> {
        let region = settings.region;
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if region.is_empty() || !region.bytes().all(good) {
            return Err(BadSettings::Name("the region"));
        }
        let at = |given: Option<Url>, service: &str| match given {
            Some(url) => address(url),
            None => format!("https://{service}.{region}.amazonaws.com")
                .parse()
                .map_err(|_| BadSettings::Name("the region")),
        };
        Ok(Arc::new(Self {
            http: Http::new(&settings.trust, settings.limits.timeout)?,
            kms: at(settings.kms_url, "kms")?,
            secrets: at(settings.secrets_url, "secretsmanager")?,
            sts: at(settings.sts_url, "sts")?,
            identity: identity::checked(settings.identity)?,
            limits: settings.limits,
            held: Mutex::new(None),
            region,
            clock,
        }))
    }

    /// A symmetric KMS key by its id, its ARN or an alias (`alias/keepgate`).
    ///
    /// # Errors
    /// [`BadSettings::Name`].
    pub fn keys(self: &Arc<Self>, key: &str) -> Result<KmsKeys, BadSettings> {
        KmsKeys::new(Arc::clone(self), key)
    }

    /// The secrets of this region.
    #[must_use]
    pub fn secrets(self: &Arc<Self>) -> SecretsManager {
        SecretsManager::new(Arc::clone(self))
    }

    /// One operation. Credentials that ended early are fetched anew once.
    async fn call(&self, service: Service, operation: &str, body: &Value) -> Result<Answer, Fault> {
        let answer = self.ask(service, operation, body).await?;
        let over = matches!(
            kind(&answer).as_deref(),
            Some("ExpiredTokenException" | "ExpiredToken" | "UnrecognizedClientException")
        );
        if over && self.forget().await {
            return self.ask(service, operation, body).await;
        }
        Ok(answer)
    }

    async fn ask(&self, service: Service, operation: &str, body: &Value) -> Result<Answer, Fault> {
        let url = match service {
            Service::Kms => &self.kms,
            Service::Secrets => &self.secrets,
        };
        let target = format!("{}.{operation}", service.target());
        let request = self
            .http
            .client()
            .request(Method::POST, url.clone())
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(body.to_string());
        let mut request = request
            .build()
            .map_err(|_| Fault::Strange("the request can't be made"))?;
        sign::sign(
            &mut request,
            &self.credentials().await?,
            &self.region,
            service.name(),
            self.clock.now(),
        )?;
        self.http.send(Ok(request)).await
    }
}

/// The name of the exception, without its namespace.
fn kind(answer: &Answer) -> Option<String> {
    if answer.status == 200 {
        return None;
    }
    let Refused { kind } = answer.json().ok()?;
    let kind = kind.rsplit('#').next()?.split(':').next()?;
    Some(kind.to_owned())
}

/// What every service may say; `own` is asked first about what it says of its own.
fn refused(answer: &Answer, own: impl Fn(&str) -> Option<Fault>) -> Fault {
    let Some(kind) = kind(answer) else {
        return Fault::of_status(answer.status);
    };
    own(&kind).unwrap_or_else(|| match kind.as_str() {
        "ThrottlingException" | "LimitExceededException" | "TooManyRequestsException" | "RequestLimitExceeded" => {
            Fault::Throttled
        }
        "AccessDeniedException" => Fault::Denied("our identity is not allowed to"),
        "ExpiredTokenException" | "ExpiredToken" => Fault::Denied("our credentials have ended"),
        "InvalidSignatureException" | "IncompleteSignature" | "SignatureDoesNotMatch" => {
            Fault::Denied("our signature does not fit: a wrong secret key, region or clock")
        }
        "UnrecognizedClientException" | "InvalidClientTokenId" | "MissingAuthenticationToken" => {
            Fault::Denied("it does not know our access key")
        }
        _ if answer.status == 400 => Fault::Strange("a refusal that we do not know"),
        _ => Fault::of_status(answer.status),
    })
}
