//! The guarded client: no redirects, no retries, no proxies, time limits.
use std::{sync::Arc, time::Duration};

use reqwest::{Client, dns::Resolve, redirect::Policy};
use url::{Host, Url};

use crate::Trust;

/// Who we say we are.
const AGENT: &str = concat!("keepgate/", env!("CARGO_PKG_VERSION"));
/// How long a connection may take to open.
const CONNECT: Duration = Duration::from_secs(10);

/// A client that sends each request at most once and goes nowhere else than it was told to: `resolver` is asked for every name.
///
/// # Errors
/// When TLS can't be set up.
#[expect(clippy::disallowed_methods, reason = "this is the guarded builder")]
pub fn client(resolver: Option<Arc<dyn Resolve>>, trust: &Trust) -> Result<Client, reqwest::Error> {
    let mut builder = Client::builder()
        .user_agent(AGENT)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(Duration::from_secs(20));
    if let Trust::Only(roots) = trust {
        let roots = roots.iter().map(|root| reqwest::Certificate::from_der(root));
        builder = builder.tls_certs_only(roots.collect::<Result<Vec<_>, _>>()?);
    }
    if let Some(resolver) = resolver {
        builder = builder.dns_resolver(resolver);
    }
    builder.build()
}

/// Whether the host is written as a loopback address.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    }
}

/// The first `cap` bytes of an answer's body; whatever goes wrong with it, what came so far.
pub async fn body(mut response: reqwest::Response, cap: usize) -> Vec<u8> {
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
#[must_use]
pub fn retry_after(response: &reqwest::Response) -> Option<u32> {
    response
        .headers()
        .get(reqwest::header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}
