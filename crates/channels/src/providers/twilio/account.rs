//! An account to send from.
use std::time::{Duration, Instant};

use keepgate_kernel::{AttemptId, LiveSecret};
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{CallbackKind, answer};
use crate::{
    PhoneNumber, Reason,
    commands::SendOutcome,
    outward::CallLimits,
    providers::{ClientError, http},
};

/// Where the real one is.
const BASE: &str = "https://api.twilio.com/";

/// How to reach an account.
#[derive(Debug, Clone)]
pub struct TwilioConfig {
    /// Another host than Twilio's own: https, or http to the loopback interface.
    pub base_url: Option<Url>,
    /// `AC…`.
    pub account_sid: String,
    /// Its token, which also signs callbacks.
    pub auth_token: LiveSecret,
    /// Who sends: a telephone number, a messaging service (`MG…`, SMS only) or an alphanumeric name (SMS only).
    pub from: String,
    /// Where callbacks reach this gateway, as seen from outside.
    pub callback_base: Url,
}

/// An account of Twilio, carrying SMS and voice.
#[derive(Clone)]
pub struct Twilio {
    client: Client,
    base: Url,
    callbacks: Url,
    account_sid: String,
    auth_token: LiveSecret,
    pub(super) from: String,
}

impl Twilio {
    /// An account as configured.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(config: TwilioConfig) -> Result<Self, ClientError> {
        let named = config
            .account_sid
            .strip_prefix("AC")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric()));
        if !named {
            return Err(ClientError::Account);
        }
        if !is_sender(&config.from) {
            return Err(ClientError::Sender);
        }
        let base = match config.base_url {
            Some(url) => url,
            None => BASE.parse().map_err(|_| ClientError::BaseUrl)?,
        };
        Ok(Self {
            client: http::client(None)?,
            base: http::base(&base)?,
            callbacks: http::base(&config.callback_base)?,
            account_sid: config.account_sid,
            auth_token: config.auth_token,
            from: config.from,
        })
    }

    /// Where Twilio is to report on `attempt`.
    pub(super) fn callback(&self, kind: CallbackKind, attempt: AttemptId) -> String {
        format!("{}v1/hooks/twilio/{kind}?attempt={attempt}", self.callbacks)
    }

    /// Creates one resource, once.
    pub(super) async fn create(&self, resource: &str, form: &[(&str, String)], limits: CallLimits) -> SendOutcome {
        let path = format!("2010-04-01/Accounts/{}/{resource}.json", self.account_sid);
        let Ok(url) = self.base.join(&path) else {
            return answer::unsent("invalid-url");
        };
        match self.post(url, form, limits).await {
            Ok(response) => answer::read(response).await,
            // Nothing was written: there was no connection to write to.
            Err(error) if error.is_connect() => answer::unsent("unreachable"),
            Err(error) if error.is_timeout() => SendOutcome::Unknown {
                reason: Reason::new("timeout"),
            },
            Err(_) => SendOutcome::Unknown {
                reason: Reason::new("connection-broken"),
            },
        }
    }

    /// With the newest token. A token changes there and here at two moments: for a while after a change, the one before is tried when
    /// the newest is refused (401: nothing was created).
    async fn post(&self, url: Url, form: &[(&str, String)], limits: CallLimits) -> reqwest::Result<Response> {
        let began = Instant::now();
        let answer = self
            .post_with(&self.auth_token.current(), &url, form, limits.timeout)
            .await?;
        let left = limits.timeout.saturating_sub(began.elapsed());
        match self.auth_token.former() {
            Some(former) if answer.status() == StatusCode::UNAUTHORIZED && !left.is_zero() => {
                self.post_with(&former, &url, form, left).await
            }
            _ => Ok(answer),
        }
    }

    async fn post_with(
        &self,
        token: &SecretString,
        url: &Url,
        form: &[(&str, String)],
        timeout: Duration,
    ) -> reqwest::Result<Response> {
        let request = self.client.post(url.clone());
        let request = request.basic_auth(&self.account_sid, Some(token.expose_secret()));
        request.form(form).timeout(timeout).send().await
    }
}

fn is_sender(from: &str) -> bool {
    let name = (1..=11).contains(&from.len())
        && from.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ')
        && from.bytes().any(|b| b.is_ascii_alphabetic());
    PhoneNumber::parse(from).is_ok() || is_service(from) || name
}

/// Whether `from` names a messaging service.
pub(super) fn is_service(from: &str) -> bool {
    from.len() == 34 && from.starts_with("MG") && from.bytes().all(|b| b.is_ascii_alphanumeric())
}

impl std::fmt::Debug for Twilio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Twilio")
            .field("account_sid", &self.account_sid)
            .finish_non_exhaustive()
    }
}
