//! The guarded client: no redirects, no retries, no proxies, time limits.
use std::{sync::Arc, time::Duration};

use reqwest::{Client, dns::Resolve, redirect::Policy};
use url::{Host, Url};

/// Who we say we are.
const AGENT: &str = concat!("keepgate/", env!("CARGO_PKG_VERSION"));
/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(10);

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// TLS can't be set up.
    #[error("the HTTP client can't be set up")]
    Client(#[source] reqwest::Error),
    /// Plain http to somewhere else than the loopback interface, or no usable URL.
    #[error("the base URL is neither https nor http to the loopback interface")]
    BaseUrl,
    /// Not a Twilio account.
    #[error("an account begins with AC and has letters and digits only")]
    Account,
    /// Not something to send from.
    #[error("the sender is neither a telephone number, nor a messaging service, nor a name of at most 11 characters")]
    Sender,
}

/// A client that sends each request at most once and goes nowhere else than it was told to.
#[expect(clippy::disallowed_methods, reason = "this is the guarded builder")]
pub(super) fn client(resolver: Option<Arc<dyn Resolve>>) -> Result<Client, ClientError> {
    let mut builder = Client::builder()
        .user_agent(AGENT)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(Duration::from_secs(20));
    if let Some(resolver) = resolver {
        builder = builder.dns_resolver(resolver);
    }
    builder.build().map_err(ClientError::Client)
}

/// Whether the host is written as a loopback address.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    }
}

/// A base URL to join paths to: https, or http to the loopback interface.
pub(super) fn base(url: &Url) -> Result<Url, ClientError> {
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
    if !secure || url.cannot_be_a_base() || !url.username().is_empty() || url.password().is_some() {
        return Err(ClientError::BaseUrl);
    }
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// The first `cap` bytes of an answer's body; whatever goes wrong with it, what came so far.
pub(super) async fn body(mut response: reqwest::Response, cap: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= cap {
            bytes.truncate(cap);
            break;
        }
    }
    bytes
}

/// `Retry-After` in seconds; the form as a date is not understood.
pub(super) fn retry_after(response: &reqwest::Response) -> Option<u32> {
    response
        .headers()
        .get(reqwest::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_https_or_loopback() {
        for good in [
            "https://api.example",
            "https://api.example/v1",
            "http://127.0.0.1:9",
            "http://[::1]:9/",
        ] {
            assert!(base(&good.parse().unwrap()).unwrap().path().ends_with('/'), "{good}");
        }
        for bad in [
            "http://api.example",
            "http://localhost",
            "ftp://127.0.0.1",
            "https://u:p@api.example",
            "data:x",
        ] {
            assert!(
                matches!(base(&bad.parse().unwrap()), Err(ClientError::BaseUrl)),
                "{bad}"
            );
        }
    }
}
