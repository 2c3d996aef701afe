//! One call: sent once, nothing followed, at most 256 KiB read.
use std::{fmt, time::Duration};

use keepgate_outward::{Trust, client};
use reqwest::{
    Client, Request,
    header::{HeaderMap, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::{BadSettings, fault::Fault};

/// The most bytes of an answer.
const LARGEST: usize = 256 * 1024;

/// The way to one service.
pub struct Http {
    client: Client,
    timeout: Duration,
}

/// What came back. The body may hold a secret.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Zeroizing<Vec<u8>>,
}

impl Http {
    pub fn new(trust: &Trust, timeout: Duration) -> Result<Self, BadSettings> {
        let client = client(None, trust).map_err(BadSettings::Tls)?;
        Ok(Self { client, timeout })
    }

    /// The answer, whatever its status.
    pub async fn send(&self, request: reqwest::Result<Request>) -> Result<Answer, Fault> {
        let mut request = request.map_err(|_| Fault::Strange("the request can't be made"))?;
        *request.timeout_mut() = Some(self.timeout);
        let mut response = self.client.execute(request).await.map_err(failed)?;
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(Fault::Strange("it is larger than 256 KiB"));
            }
            // Grown by hand: a vector that grows by itself leaves copies behind.
            if body.capacity() < body.len() + chunk.len() {
                let mut larger = Zeroizing::new(Vec::with_capacity((body.len() + chunk.len()) * 2));
                larger.extend_from_slice(&body);
                body = larger;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }

    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Answer {
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(&self.body).map_err(|_| Fault::Strange("its JSON is not what is documented"))
    }

    /// The body of a 200.
    pub fn ok<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        match self.status {
            200 => self.json(),
            status => Err(Fault::of_status(status)),
        }
    }
}

fn failed(error: reqwest::Error) -> Fault {
    if error.is_timeout() {
        Fault::Slow
    } else {
        Fault::Down(error.without_url().into())
    }
}

/// A header that is kept out of logs.
pub fn secret_header(prefix: &str, value: &SecretString) -> Result<HeaderValue, Fault> {
    let text = Zeroizing::new(format!("{prefix}{}", value.expose_secret()));
    let mut value =
        HeaderValue::from_str(&text).map_err(|_| Fault::Denied("our credential is not one line of text"))?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
