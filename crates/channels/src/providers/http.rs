//! The guarded client, as the providers use it.
use std::sync::Arc;

use keepgate_outward::Trust;
pub(super) use keepgate_outward::{body, is_loopback, retry_after};
use reqwest::{Client, dns::Resolve};
use url::Url;

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
pub(super) fn client(resolver: Option<Arc<dyn Resolve>>) -> Result<Client, ClientError> {
    keepgate_outward::client(resolver, &Trust::Public).map_err(ClientError::Client)
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
