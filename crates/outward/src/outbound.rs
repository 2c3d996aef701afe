//! One request to an address that a tenant chose: public, over https, without redirects.
use std::{error::Error, time::Duration};

use reqwest::{Client, Request};
use url::{Host, Url};

use crate::{Guard, NotPublic, Reach, Trust, allowed, body, client, is_loopback};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many bytes of an answer are read.
const ANSWER: usize = 256 * 1024;

/// The request was not made, or nothing usable came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the address can't be reached")]
pub struct Unreachable;

/// A client that goes to public addresses and to what the operator puts within [`Reach`], over https; to the loopback interface, where
/// that is within reach, over http too.
#[derive(Debug, Clone)]
pub struct Outbound {
    client: Client,
    reach: Reach,
}

impl Outbound {
    /// A client.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new(reach: Reach) -> Result<Self, reqwest::Error> {
        Ok(Self {
            client: client(Some(Guard::resolver(reach.clone())), &Trust::Public)?,
            reach,
        })
    }

    /// Makes `request` once: status and body, of at most 256 KiB, within 10 seconds.
    ///
    /// # Errors
    /// [`Unreachable`].
    pub async fn call(&self, request: impl TryInto<Request>) -> Result<(u16, Vec<u8>), Unreachable> {
        let mut request: Request = request.try_into().map_err(|_| Unreachable)?;
        if !may_lead_to(request.url(), &self.reach) {
            return Err(Unreachable);
        }
        *request.timeout_mut() = Some(PATIENCE);
        let response = self.client.execute(request).await.map_err(|_| Unreachable)?;
        let status = response.status().as_u16();
        let body = body(response, ANSWER + 1).await;
        if body.len() > ANSWER {
            return Err(Unreachable);
        }
        Ok((status, body))
    }
}

/// The checks that need no name: scheme, and an address written as such, which no resolver sees. Plain http is for loopback.
#[must_use]
pub fn may_lead_to(url: &Url, reach: &Reach) -> bool {
    let ip = match url.host() {
        Some(Host::Ipv4(ip)) => Some(ip.into()),
        Some(Host::Ipv6(ip)) => Some(ip.into()),
        _ => None,
    };
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
    secure && ip.is_none_or(|ip| allowed(ip, reach))
}

/// Whether a request failed because its name leads to an address out of reach.
#[must_use]
pub fn is_not_public(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error.is::<NotPublic>() {
            return true;
        }
        source = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_s_address_leads_to_the_public_only() {
        for (url, public, loopback) in [
            ("https://id.example/x", true, true),
            ("https://93.184.215.14/", true, true),
            ("http://id.example/", false, false),
            ("https://127.0.0.1/", false, true),
            ("http://127.0.0.1:9/", false, true),
            ("http://[::1]/", false, true),
            ("https://10.0.0.1/", false, false),
            ("https://169.254.169.254/latest", false, false),
            ("https://[::ffff:10.0.0.1]/", false, false),
            ("https://2130706433/", false, true),
            ("file:///etc/passwd", false, false),
        ] {
            let url: Url = url.parse().unwrap();
            assert_eq!(may_lead_to(&url, &Reach::default()), public, "{url}");
            assert_eq!(may_lead_to(&url, &Reach::from(true)), loopback, "{url}");
        }
    }
}
