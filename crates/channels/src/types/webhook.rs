//! Back-office endpoints.
use keepgate_kernel::{Timestamp, WebhookId};
use url::{Host, Url};

use super::{Sealed, words};

words! {
    /// Something a back office may want to hear about.
    WebhookEvent {
        /// A message was accepted.
        MessageAccepted "message.accepted",
        /// A message ended as delivered.
        MessageDelivered "message.delivered",
        /// A message ended as acknowledged.
        MessageAcknowledged "message.acknowledged",
        /// A message ended as failed.
        MessageFailed "message.failed",
        /// A message ended as cancelled.
        MessageCancelled "message.cancelled",
        /// A message ended as expired.
        MessageExpired "message.expired",
    }
}

/// Why a text is not the URL of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// No URL, longer than 2048 characters, or with user name, password or fragment.
    #[error("a webhook is reached by a plain URL of at most 2048 characters")]
    Form,
    /// Not `https`, and not `http` to the loopback interface.
    #[error("a webhook is reached over https")]
    Scheme,
}

/// A checked URL: `https`, or `http` to the loopback interface (which senders refuse unless told otherwise).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookUrl(String);

impl WebhookUrl {
    /// Checks the form; where the name leads is checked whenever a request is sent.
    ///
    /// # Errors
    /// [`WebhookUrlError`].
    pub fn parse(text: &str) -> Result<Self, WebhookUrlError> {
        let url = Url::parse(text).map_err(|_| WebhookUrlError::Form)?;
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if text.len() > 2_048 || !plain || url.host().is_none() {
            return Err(WebhookUrlError::Form);
        }
        let loopback = match url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            _ => false,
        };
        match url.scheme() {
            "https" => Ok(Self(url.into())),
            "http" if loopback => Ok(Self(url.into())),
            _ => Err(WebhookUrlError::Scheme),
        }
    }

    /// The URL in its normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A URL may carry a token in its query.
impl std::fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookUrl(..)")
    }
}

/// A registered endpoint. Messages can be addressed to it, and it names the events it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Where it listens. One registration for each URL of a tenant.
    pub url: WebhookUrl,
    /// What it wants to hear about.
    pub events: Vec<WebhookEvent>,
    /// The signing secret, sealed by the caller.
    pub secret: Sealed,
    /// When it was registered.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_anywhere_and_http_on_loopback() {
        for good in [
            "https://desk.example/hook?a=b",
            "https://10.0.0.1/",
            "http://127.0.0.1:9/x",
            "http://[::1]/",
        ] {
            assert!(WebhookUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://desk.example/",
            "http://localhost/",
            "ftp://127.0.0.1/",
            "javascript:alert(1)",
        ] {
            assert!(WebhookUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_passwords_and_fragments_are_refused() {
        for bad in [
            "https://u@desk.example/",
            "https://u:p@desk.example/",
            "https://desk.example/#x",
            "https://",
            "",
            "desk.example",
        ] {
            assert_eq!(WebhookUrl::parse(bad), Err(WebhookUrlError::Form), "{bad}");
        }
        assert_eq!(
            WebhookUrl::parse(&format!("https://desk.example/{}", "a".repeat(2_048))),
            Err(WebhookUrlError::Form)
        );
    }
}
