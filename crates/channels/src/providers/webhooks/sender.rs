//! Posting to a webhook.
use std::time::Duration;

use async_trait::async_trait;
use keepgate_outward::{Guard, SecretError, allowed, is_not_public, sign, sign_publicly};
use reqwest::Client;
use secrecy::ExposeSecret;
use url::{Host, Url};

use crate::{
    Reason,
    commands::SendOutcome,
    machine::RefusalClass,
    outward::{WebhookRequest, WebhookSender},
    providers::{ClientError, http},
};

/// The longest an endpoint may take, by Standard Webhooks.
const PATIENCE: Duration = Duration::from_secs(30);

/// Calls webhooks over HTTP.
#[derive(Debug, Clone)]
pub struct HttpWebhooks {
    client: Client,
    allow_loopback: bool,
}

impl HttpWebhooks {
    /// A sender that goes to public addresses over https, and with `allow_loopback` also to the loopback interface, over http too.
    ///
    /// # Errors
    /// [`ClientError::Client`].
    pub fn new(allow_loopback: bool) -> Result<Self, ClientError> {
        Ok(Self {
            client: http::client(Some(Guard::resolver(allow_loopback.into())))?,
            allow_loopback,
        })
    }

    /// The checks that need no name: scheme, and an address written as such, which no resolver sees.
    fn check(&self, url: &Url) -> Result<(), &'static str> {
        let ip = match url.host() {
            Some(Host::Ipv4(ip)) => Some(ip.into()),
            Some(Host::Ipv6(ip)) => Some(ip.into()),
            _ => None,
        };
        if ip.is_some_and(|ip| !allowed(ip, &self.allow_loopback.into())) {
            return Err("address-not-public");
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if http::is_loopback(url) => Ok(()),
            _ => Err("not-https"),
        }
    }
}

#[async_trait]
impl WebhookSender for HttpWebhooks {
    async fn post(&self, request: WebhookRequest) -> SendOutcome {
        let Ok(url) = Url::parse(request.url.as_str()) else {
            return refused(RefusalClass::Target, "invalid-url");
        };
        if let Err(reason) = self.check(&url) {
            return refused(RefusalClass::Target, reason);
        }
        let (timestamp, body) = (request.at.timestamp(), request.body.expose_secret());
        let Ok(signature) = signatures(&request, timestamp, body) else {
            return refused(RefusalClass::Target, "invalid-secret");
        };
        let mut call = self.client.post(url);
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        let call = call
            .header("content-type", &request.content_type)
            .header("webhook-id", &request.id)
            .header("webhook-timestamp", timestamp.to_string())
            .header("webhook-signature", signature)
            .body(body.to_vec())
            .timeout(request.limits.timeout.min(PATIENCE));
        // The answer's body is never read: nothing an endpoint says is kept.
        match call.send().await {
            Ok(response) => judge(response.status().as_u16(), http::retry_after(&response)),
            Err(error) if is_not_public(&error) => refused(RefusalClass::Target, "address-not-public"),
            Err(error) if error.is_builder() => refused(RefusalClass::Target, "invalid-request"),
            Err(error) if error.is_timeout() => SendOutcome::Unknown {
                reason: Reason::new("timeout"),
            },
            // The id makes a repetition harmless, so an endpoint that is being restarted is simply asked again.
            Err(error) if error.is_connect() => SendOutcome::Unknown {
                reason: Reason::new("unreachable"),
            },
            Err(_) => SendOutcome::Unknown {
                reason: Reason::new("connection-broken"),
            },
        }
    }
}

/// One for the secret that both sides know, and one for each key whose public half anybody may know.
fn signatures(request: &WebhookRequest, timestamp: i64, body: &[u8]) -> Result<String, SecretError> {
    let mut all = vec![sign(&request.secret, &request.id, timestamp, body)?];
    for seed in &request.seeds {
        all.push(sign_publicly(seed.expose_secret(), &request.id, timestamp, body)?);
    }
    Ok(all.join(" "))
}

fn judge(status: u16, retry_after_seconds: Option<u32>) -> SendOutcome {
    let reason = Reason::new(&format!("http-{status}"));
    match status {
        200..=299 => SendOutcome::Accepted {
            provider_ref: None,
            queue_seconds: 0,
            delivered: true,
        },
        429 => SendOutcome::Refused {
            class: RefusalClass::Retry,
            reason,
            retry_after_seconds,
        },
        408 | 500..=599 => SendOutcome::Unknown { reason },
        // 410 says never again; a redirect is not followed; the rest will not be better for being repeated.
        _ => SendOutcome::Refused {
            class: RefusalClass::Target,
            reason,
            retry_after_seconds: None,
        },
    }
}

fn refused(class: RefusalClass, reason: &str) -> SendOutcome {
    SendOutcome::Refused {
        class,
        reason: Reason::new(reason),
        retry_after_seconds: None,
    }
}
