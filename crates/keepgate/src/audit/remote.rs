//! A log at a running gateway.
use std::{fs::File, io::Read, os::unix::fs::MetadataExt, path::Path, time::Duration};

use reqwest::{Certificate, Client, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Runtime;
use url::{Host, Url};

use super::source::Unreadable;
use crate::{
    cli::{Access, TokenFrom},
    exit::Exit,
    failure::{Failure, chain},
    terminal,
};

/// A token is longer than 16 KiB in nobody's system.
const MAX_TOKEN: u64 = 16 * 1024;
/// How often a request is tried that a busy or restarting server did not answer.
const TRIES: u32 = 3;

/// A gateway's HTTP API, asked one request after the other.
pub struct Remote {
    runtime: Runtime,
    client: Client,
    base: Url,
    token: Option<SecretString>,
}

impl Remote {
    /// Reads certificate and token; connects to nothing yet.
    pub fn new(url: &Url, access: &Access) -> Result<Self, Failure> {
        if url.scheme() != "https" {
            return Err(Failure::usage(
                format!("can't use {url}"),
                "a token is sent over https only",
                "use the https:// address",
            ));
        }
        crate::tls::install_provider();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::io("can't start the runtime", &error))?;
        Ok(Self {
            runtime,
            client: client(url, access)?,
            base: url.clone(),
            token: token(access)?,
        })
    }

    /// A file of the caller's tenant's log, of at most `most` bytes.
    pub fn log_file(&self, name: &str, most: usize) -> Result<Vec<u8>, Unreadable> {
        let url = self.url(&format!("v1/audit/log/{name}"));
        self.runtime.block_on(async {
            let mut response = self.ask(url).await?;
            let mut content = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| Unreadable::new(told(&error)))? {
                content.extend_from_slice(&chunk);
                if content.len() > most {
                    return Err(Unreadable::new(format!("{name}: more than {most} bytes")));
                }
            }
            Ok(content)
        })
    }

    /// Streams an answer of any length into `sink`, which gets each piece as it comes.
    pub fn stream(
        &self,
        path: &str,
        query: &[(&str, &str)],
        sink: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), StreamError> {
        let mut url = self.url(path);
        url.query_pairs_mut().extend_pairs(query);
        self.runtime.block_on(async {
            let mut response = self.ask(url).await.map_err(StreamError::Remote)?;
            while let Some(chunk) = response
                .chunk()
                .await
                .map_err(|error| StreamError::Remote(Unreadable::new(told(&error))))?
            {
                sink(&chunk).map_err(StreamError::Sink)?;
            }
            Ok(())
        })
    }

    /// Asks for a change, once: nobody knows what became of one that was not answered. The answer's status and body.
    pub fn post(&self, path: &str, body: &serde_json::Value) -> Result<(u16, serde_json::Value), Unreadable> {
        let request = self.client.post(self.url(path));
        self.send(
            request
                .header("content-type", "application/json")
                .body(body.to_string()),
        )
    }

    /// Deletes what is at `path`; once, as [`Remote::post`].
    ///
    /// # Errors
    /// [`Unreadable`] when nobody knows whether it was done.
    pub fn delete(&self, path: &str) -> Result<(u16, serde_json::Value), Unreadable> {
        self.send(self.client.delete(self.url(path)))
    }

    fn send(&self, mut request: reqwest::RequestBuilder) -> Result<(u16, serde_json::Value), Unreadable> {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose_secret());
        }
        self.runtime.block_on(async {
            let response = request.send().await.map_err(|error| Unreadable::new(told(&error)))?;
            let status = response.status().as_u16();
            let text = response.bytes().await.map_err(|error| Unreadable::new(told(&error)))?;
            Ok((status, serde_json::from_slice(&text).unwrap_or_default()))
        })
    }

    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        url
    }

    async fn ask(&self, url: Url) -> Result<Response, Unreadable> {
        let mut attempt = 1;
        loop {
            let mut request = self.client.get(url.clone());
            if let Some(token) = &self.token {
                request = request.bearer_auth(token.expose_secret());
            }
            let again = match request.send().await {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) if matches!(response.status().as_u16(), 429 | 502..=504) => refused(response.status()),
                Ok(response) => return Err(refused(response.status())),
                Err(error) => Unreadable::new(told(&error)),
            };
            if attempt >= TRIES {
                return Err(again);
            }
            tokio::time::sleep(Duration::from_millis(500) * attempt).await;
            attempt += 1;
        }
    }
}

/// Why a stream ended early.
pub enum StreamError {
    /// The gateway.
    Remote(Unreadable),
    /// The file written to.
    Sink(std::io::Error),
}

fn refused(status: StatusCode) -> Unreadable {
    let why = match status.as_u16() {
        401 => "the gateway does not know the token (401); use --token-file",
        403 => "the token may not read that (403); it needs level 4 or above",
        404 => "there is no such thing in the log (404); a log without entries has no checkpoint",
        410 => return Unreadable::elsewhere("these entries were archived and removed (410)"),
        429 => "the gateway asks to slow down (429)",
        _ => return Unreadable::new(format!("the gateway answered {status}")),
    };
    Unreadable::new(why)
}

/// Not the URL: it is told where the error is shown.
fn told(error: &reqwest::Error) -> String {
    let mut causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    let last = causes.by_ref().last().map(ToString::to_string);
    let kind = if error.is_timeout() {
        "the gateway did not answer in time"
    } else {
        "the gateway can't be reached"
    };
    last.map_or_else(|| kind.to_owned(), |last| format!("{kind}: {last}"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the user names this host on the command line; it may be private"
)]
fn client(url: &Url, access: &Access) -> Result<Client, Failure> {
    let mut builder = Client::builder()
        .https_only(true)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(30));
    if is_here(url) {
        builder = builder.no_proxy();
    }
    let failed = |why: String| {
        Failure::usage(
            "can't use --ca-cert",
            why,
            "name the PEM file that `ca_cert` of the ready file names",
        )
    };
    if let Some(file) = &access.ca_cert {
        let pem = std::fs::read(file).map_err(|error| failed(format!("{}: {error}", file.display())))?;
        let certs = Certificate::from_pem_bundle(&pem).map_err(|error| failed(chain(&error)))?;
        if certs.is_empty() {
            return Err(failed(format!("{} holds no certificate", file.display())));
        }
        builder = builder.tls_certs_only(certs);
    }
    builder.build().map_err(|error| failed(chain(&error)))
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn token(access: &Access) -> Result<Option<SecretString>, Failure> {
    let failed = |why: String, help: String| Failure::new(Exit::KeyFile, "can't read the token", why, help);
    let text = match &access.token_file {
        Some(file) => {
            let text = read(File::open(file));
            let text =
                text.map_err(|error| failed(format!("{}: {error}", file.display()), "name a readable file".into()))?;
            warn_if_open(file);
            text
        }
        None if access.token == Some(TokenFrom::CommandLine) => {
            return Err(Failure::usage(
                "refusing a token on the command line",
                "every user of this machine can read the arguments of a process",
                "put it into a file of mode 0600 and use --token-file FILE, or pipe it into --token -",
            ));
        }
        None if access.token == Some(TokenFrom::StandardInput) => read(Ok(std::io::stdin().lock()))
            .map_err(|error| failed(error.to_string(), "pipe the token into standard input".into()))?,
        None => return Ok(None),
    };
    let text = String::from_utf8(text).unwrap_or_default();
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(failed(
            "it is empty, or no single word of ASCII".into(),
            "write the token alone into the file".into(),
        ));
    }
    Ok(Some(token.to_owned().into()))
}

fn read(from: std::io::Result<impl Read>) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    from?.take(MAX_TOKEN).read_to_end(&mut text)?;
    Ok(text)
}

/// No refusal: the token is the user's own, and may come through a pipe or a mounted file.
fn warn_if_open(file: &Path) {
    if let Ok(meta) = file.metadata()
        && meta.is_file()
        && meta.mode() & 0o077 != 0
    {
        terminal::note(&format!(
            "{} can be used by others; run `chmod 600` on it",
            file.display()
        ));
    }
}
