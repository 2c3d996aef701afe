//! An authority over HTTP (RFC 3161 section 3.4).
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, header::CONTENT_TYPE};
use url::Url;

use super::TimestampAuthority;
use crate::witness::{HttpWitnessError, Unreachable, http_client};

/// The longest an authority may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest answer: a token with its certificates has a few KiB.
const LONGEST: usize = 64 * 1024;

/// A client for one authority: no redirects, no retries, no proxies.
#[derive(Debug, Clone)]
pub struct HttpAuthority {
    client: Client,
    url: Url,
}

impl HttpAuthority {
    /// A client for the authority at `url`, which the operator named. `roots` (PEM) are believed as to its TLS certificate as
    /// well, beside the public ones: what counts is the signature of the token.
    ///
    /// # Errors
    /// [`HttpWitnessError::Client`].
    pub fn new(url: Url, roots: &[u8]) -> Result<Self, HttpWitnessError> {
        let client = http_client(PATIENCE, Some(roots))?;
        Ok(Self { client, url })
    }
}

#[async_trait]
impl TimestampAuthority for HttpAuthority {
    async fn stamp(&self, query: Vec<u8>) -> Result<Vec<u8>, Unreachable> {
        let call = self.client.post(self.url.clone());
        let call = call.header(CONTENT_TYPE, "application/timestamp-query").body(query);
        let mut response = call.send().await.map_err(|_| Unreachable)?;
        if response.status().as_u16() != 200 {
            return Err(Unreachable);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|_| Unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST {
                return Err(Unreachable);
            }
        }
        Ok(body)
    }
}
