//! An archive store in a bucket of an S3-compatible store, addressed by path. The operator names it, so it may be anywhere; beyond
//! this machine over TLS only.
use std::{io, time::Duration};

use async_trait::async_trait;
use data_encoding::BASE64;
use keepgate_kernel::LiveSecret;
use keepgate_outward::{Trust, client, is_loopback};
use reqwest::{Client, Response};
use rusty_s3::{
    Bucket, Credentials, S3Action, UrlStyle,
    actions::{GetObject, PutObject},
};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use url::Url;

use super::{ArchiveStore, StoreFault};

/// How long a signed request is good for.
const GOOD_FOR: Duration = Duration::from_mins(1);
/// How long one request may take, body included.
const LONGEST: Duration = Duration::from_mins(1);
/// How often a busy or restarting store is asked.
const TRIES: u32 = 3;
const CHECKSUM: &str = "x-amz-checksum-sha256";

/// Why a place can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPlace {
    /// Not `https://host/bucket` or `https://host/bucket/prefix`; `http` on loopback only.
    #[error("not https://HOST/BUCKET or https://HOST/BUCKET/PREFIX (http on loopback only)")]
    Url,
    /// The certificates are none.
    #[error("the certificates are not 1 to 20 in PEM")]
    Certificates,
    /// TLS can't be set up.
    #[error("the client can't be made")]
    Client,
}

/// A bucket, or what begins with a prefix in it.
pub struct S3Store {
    client: Client,
    bucket: Bucket,
    prefix: String,
    access_key_id: String,
    secret_access_key: LiveSecret,
    place: String,
}

impl S3Store {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// [`BadPlace`].
    pub fn new(
        url: &Url,
        region: &str,
        access_key_id: &str,
        secret_access_key: LiveSecret,
        ca_pem: Option<&str>,
    ) -> Result<Self, BadPlace> {
        let (bucket, prefix) = bucket_of(url)?;
        let mut endpoint = url.clone();
        endpoint.set_path("/");
        let trust = Trust::from_pem(ca_pem).map_err(|_| BadPlace::Certificates)?;
        Ok(Self {
            client: client(None, &trust).map_err(|_| BadPlace::Client)?,
            bucket: Bucket::new(endpoint, UrlStyle::Path, bucket, region.to_owned()).map_err(|_| BadPlace::Url)?,
            prefix,
            access_key_id: access_key_id.to_owned(),
            secret_access_key,
            place: url.as_str().trim_end_matches('/').to_owned(),
        })
    }

    /// With the key as it is now.
    fn credentials(&self) -> Credentials {
        let secret = self.secret_access_key.current();
        Credentials::new(&self.access_key_id, secret.expose_secret())
    }

    async fn ask(&self, make: impl Fn() -> reqwest::RequestBuilder) -> Result<Response, StoreFault> {
        let mut attempt = 1;
        loop {
            let answer = make().timeout(LONGEST).send().await;
            let busy = match &answer {
                Ok(response) => matches!(response.status().as_u16(), 429 | 500..=599),
                Err(_) => true,
            };
            if !busy || attempt >= TRIES {
                // The address is signed: whoever reads it could use it for a minute.
                return answer.map_err(|error| StoreFault(Box::new(error.without_url())));
            }
            tokio::time::sleep(Duration::from_secs(1) * attempt).await;
            attempt += 1;
        }
    }
}

fn bucket_of(url: &Url) -> Result<(String, String), BadPlace> {
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
    let bare =
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    let mut parts = url.path().trim_matches('/').splitn(2, '/');
    let bucket = parts.next().filter(|bucket| !bucket.is_empty());
    let (true, true, Some(bucket)) = (safe, bare, bucket) else {
        return Err(BadPlace::Url);
    };
    let plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte))
    };
    let prefix = parts.next().map(|prefix| format!("{prefix}/")).unwrap_or_default();
    if plain(bucket) && plain(&prefix) && !prefix.contains("//") {
        Ok((bucket.to_owned(), prefix))
    } else {
        Err(BadPlace::Url)
    }
}

#[async_trait]
impl ArchiveStore for S3Store {
    async fn put(&self, name: &str, content: &[u8]) -> Result<(), StoreFault> {
        let name = format!("{}{name}", self.prefix);
        let checksum = BASE64.encode(&Sha256::digest(content));
        let response = self
            .ask(|| {
                let credentials = self.credentials();
                let mut put = PutObject::new(&self.bucket, Some(&credentials), &name);
                put.headers_mut().insert(CHECKSUM, checksum.as_str());
                let call = self.client.put(put.sign(GOOD_FOR));
                call.header(CHECKSUM, &checksum).body(content.to_vec())
            })
            .await?;
        match response.status().as_u16() {
            200..=299 => Ok(()),
            status => Err(refused(status)),
        }
    }

    async fn get(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>, StoreFault> {
        let name = format!("{}{name}", self.prefix);
        let mut response = self
            .ask(|| {
                let credentials = self.credentials();
                let get = GetObject::new(&self.bucket, Some(&credentials), &name);
                self.client.get(get.sign(GOOD_FOR))
            })
            .await?;
        match response.status().as_u16() {
            200 => {}
            404 => return Ok(None),
            status => return Err(refused(status)),
        }
        let mut content = Vec::new();
        let torn = |error: reqwest::Error| StoreFault(Box::new(error.without_url()));
        while let Some(chunk) = response.chunk().await.map_err(torn)? {
            content.extend_from_slice(&chunk);
            if content.len() > most {
                return Ok(None);
            }
        }
        Ok(Some(content))
    }

    fn place(&self) -> &str {
        &self.place
    }
}

fn refused(status: u16) -> StoreFault {
    StoreFault(Box::new(io::Error::other(format!("the store answered {status}"))))
}

impl std::fmt::Debug for S3Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Store")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_bucket_over_tls_and_nothing_hidden_in_its_address() {
        let of = |url: &str| bucket_of(&url.parse().unwrap());
        assert_eq!(of("https://s3.example/logs"), Ok(("logs".into(), String::new())));
        assert_eq!(
            of("https://s3.example:9000/logs/kg/a/"),
            Ok(("logs".into(), "kg/a/".into()))
        );
        assert_eq!(of("http://127.0.0.1:9000/logs"), Ok(("logs".into(), String::new())));
        for bad in [
            "https://s3.example/",
            "http://s3.example/logs",
            "https://key:secret@s3.example/logs",
            "https://s3.example/logs?x=1",
            "https://s3.example/logs/a//b",
            "https://s3.example/lo%20gs",
            "s3://logs/prefix",
        ] {
            assert_eq!(of(bad), Err(BadPlace::Url), "{bad}");
        }
    }
}
