//! Witnesses over HTTP.
use std::time::Duration;

use async_trait::async_trait;
use keepgate_merkle::note::MAX_NOTE_BYTES;
use reqwest::{Certificate, Client, header::CONTENT_TYPE, redirect::Policy};
use url::{Host, Url};

use super::{Unreachable, Witness, WitnessReply};

const AGENT: &str = concat!("keepgate/", env!("CARGO_PKG_VERSION"));

/// A client for witnesses: https, or http to a loopback address; no redirects, no retries, no proxies.
#[derive(Debug, Clone)]
pub struct HttpWitness {
    client: Client,
}

/// Why there is no client, or a URL can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HttpWitnessError {
    /// TLS can't be set up, or the certificates to trust can't be read.
    #[error("the HTTP client can't be set up")]
    Client(#[source] reqwest::Error),
    /// Neither https nor http to a loopback address, or it holds a user, a query or a fragment.
    #[error("`{0}` is neither https nor http to a loopback address, or has a user, a query or a fragment")]
    Url(String),
}

impl HttpWitness {
    /// A client whose calls take `timeout` at most and which trusts the certificates in `ca` (PEM) beside the public ones.
    ///
    /// # Errors
    /// [`HttpWitnessError::Client`].
    pub fn new(timeout: Duration, ca: Option<&[u8]>) -> Result<Self, HttpWitnessError> {
        let client = http_client(timeout, ca)?;
        Ok(Self { client })
    }

    /// Whether `url` may be a witness's submission prefix.
    ///
    /// # Errors
    /// [`HttpWitnessError::Url`].
    pub fn check(url: &str) -> Result<(), HttpWitnessError> {
        let good = Url::parse(url).is_ok_and(|url| {
            let loopback = match url.host() {
                Some(Host::Ipv4(ip)) => ip.is_loopback(),
                Some(Host::Ipv6(ip)) => ip.is_loopback(),
                _ => false,
            };
            (url.scheme() == "https" || (url.scheme() == "http" && loopback))
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        if good {
            Ok(())
        } else {
            Err(HttpWitnessError::Url(url.chars().take(200).collect()))
        }
    }
}

/// No redirects, no retries, no proxies, a time limit.
#[expect(
    clippy::disallowed_methods,
    reason = "this is a guarded builder: addresses are the operator's own word"
)]
pub(crate) fn http_client(timeout: Duration, ca: Option<&[u8]>) -> Result<Client, HttpWitnessError> {
    let mut builder = Client::builder()
        .user_agent(AGENT)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .timeout(timeout)
        .pool_idle_timeout(Duration::from_secs(20));
    if let Some(pem) = ca {
        let found = Certificate::from_pem_bundle(pem).map_err(HttpWitnessError::Client)?;
        builder = builder.tls_certs_merge(found);
    }
    builder.build().map_err(HttpWitnessError::Client)
}

#[async_trait]
impl Witness for HttpWitness {
    async fn add_checkpoint(&self, url: &str, body: String) -> Result<WitnessReply, Unreachable> {
        Self::check(url).map_err(|_| Unreachable)?;
        let call = self.client.post(format!("{url}/add-checkpoint"));
        let call = call.header(CONTENT_TYPE, "text/plain; charset=utf-8").body(body);
        let mut response = call.send().await.map_err(|_| Unreachable)?;
        let media_type = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default();
        let (status, media_type) = (response.status().as_u16(), media_type.trim().to_owned());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| Unreachable)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_NOTE_BYTES {
                bytes.truncate(MAX_NOTE_BYTES);
                break;
            }
        }
        Ok(WitnessReply {
            status,
            media_type,
            body: bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_nowhere_but_to_a_loopback_address() {
        for good in [
            "https://w.example",
            "https://w.example/a/b",
            "http://127.0.0.1:8/x",
            "http://[::1]:8",
        ] {
            assert!(HttpWitness::check(good).is_ok(), "{good}");
        }
        for bad in [
            "http://w.example",
            "http://localhost:1",
            "http://10.0.0.1",
            "ftp://w.example",
            "https://u:p@w.example",
            "https://w.example/?a",
            "https://w.example/#a",
            "nonsense",
        ] {
            assert!(HttpWitness::check(bad).is_err(), "{bad}");
        }
    }
}
