//! What a dispatcher asks of providers: small capabilities, each easily faked.
use async_trait::async_trait;
use keepgate_kernel::{AttemptId, Timestamp};
use secrecy::SecretString;

use crate::{PhoneNumber, WebhookUrl, commands::SendOutcome};

/// Limits of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// How long the call may take: less than what is left of the lease.
    pub timeout: std::time::Duration,
    /// How long the delivery waits for the attempt, in seconds: a provider must not act on it later.
    pub budget_seconds: u32,
}

/// A text message to send.
#[derive(Debug, Clone)]
pub struct SmsRequest {
    /// Our attempt: callbacks name it.
    pub attempt: AttemptId,
    /// To whom.
    pub to: PhoneNumber,
    /// What it says: at most 1600 characters.
    pub text: SecretString,
    /// Limits.
    pub limits: CallLimits,
}

/// A call to make. It reads the text and asks for the key 1.
#[derive(Debug, Clone)]
pub struct VoiceRequest {
    /// Our attempt: callbacks name it.
    pub attempt: AttemptId,
    /// To whom.
    pub to: PhoneNumber,
    /// What it says.
    pub text: SecretString,
    /// The language to say it in.
    pub locale: Option<String>,
    /// Limits.
    pub limits: CallLimits,
}

/// A webhook to call.
#[derive(Debug, Clone)]
pub struct WebhookRequest {
    /// `webhook-id`: the same for every repetition of an attempt.
    pub id: String,
    /// Where to.
    pub url: WebhookUrl,
    /// The signing secret, `whsec_…`.
    pub secret: SecretString,
    /// Seeds of the Ed25519 keys that sign as well, newest first.
    pub seeds: Vec<secrecy::SecretSlice<u8>>,
    /// The type of the body.
    pub content_type: String,
    /// The body: the payload, byte for byte.
    pub body: secrecy::SecretSlice<u8>,
    /// Further headers, such as which message this is.
    pub headers: Vec<(String, String)>,
    /// `webhook-timestamp`.
    pub at: Timestamp,
    /// Limits.
    pub limits: CallLimits,
}

/// Carries text messages.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait SmsProvider: Send + Sync {
    /// Sends one text message, once. `Refused` only if the provider certainly did not take it; a timeout, a broken connection
    /// or a server's error is `Unknown`. Never fails, never retries, never follows a redirect.
    async fn send(&self, request: SmsRequest) -> SendOutcome;
}

/// Makes telephone calls.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait VoiceProvider: Send + Sync {
    /// Makes one call, once; the outcome is known as for [`SmsProvider::send`]. That somebody answered is no acknowledgement:
    /// only the key 1 is, and it comes as a callback.
    async fn call(&self, request: VoiceRequest) -> SendOutcome;
}

/// Calls webhooks.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Posts the body, once, signed. 2xx is accepted and delivered; 410 is refused for good; 429, 5xx, timeouts and the rest
    /// may be tried again under the same id. Goes nowhere but to public addresses, and follows no redirect.
    async fn post(&self, request: WebhookRequest) -> SendOutcome;
}
