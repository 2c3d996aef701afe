//! OpenBao, and HashiCorp Vault as far as both are alike: the transit engine and kv version 2.
//!
//! Source: OpenBao's API documentation: `secret/transit`, `secret/kv/kv-v2`, `auth/approle`, `auth/jwt`, `auth/kubernetes`, `auth/token`.
mod kv;
mod session;
mod settings;
mod transit;

use std::sync::Arc;

use reqwest::{
    Method,
    header::{HeaderName, HeaderValue},
};
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

pub use kv::KvSecrets;
use session::Session;
pub use settings::{Auth, Settings};
pub use transit::TransitKeys;

use crate::{
    BadSettings,
    fault::Fault,
    http::{Answer, Http, secret_header},
    settings::{address, join, segments},
};

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// A client with one session for all that is asked of it.
#[derive(Debug)]
pub struct OpenBao {
    http: Http,
    url: Url,
    namespace: Option<HeaderValue>,
    auth: Auth,
    limits: crate::Limits,
    session: Mutex<Option<Session>>,
}

impl OpenBao {
    /// A client; it logs in when it is first asked for something.
    ///
    /// # Errors
    /// [`BadSettings`].
    pub fn new(settings: Settings) -> Result<Arc<Self>, BadSettings> {
        let namespace = settings.namespace.as_deref().map(HeaderValue::from_str);
        if let Auth::AppRole { mount, .. } | Auth::Jwt { mount, .. } = &settings.auth {
            segments(mount).ok_or(BadSettings::Name("the mount of the log-in"))?;
        }
        Ok(Arc::new(Self {
            http: Http::new(&settings.trust, settings.limits.timeout)?,
            url: address(settings.url)?,
            namespace: namespace.transpose().map_err(|_| BadSettings::Name("the namespace"))?,
            auth: settings.auth,
            limits: settings.limits,
            session: Mutex::new(None),
        }))
    }

    /// The key `name` of the transit engine at `mount`.
    ///
    /// # Errors
    /// [`BadSettings::Name`].
    pub fn keys(self: &Arc<Self>, mount: &str, name: &str) -> Result<TransitKeys, BadSettings> {
        TransitKeys::new(Arc::clone(self), mount, name)
    }

    /// The secrets of all engines of kind kv version 2.
    #[must_use]
    pub fn secrets(self: &Arc<Self>) -> KvSecrets {
        KvSecrets::new(Arc::clone(self))
    }

    /// Asks with the session's token. A refusal may mean that somebody revoked the token: a new session is tried once.
    async fn call(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Answer, Fault> {
        let token = self.token().await?;
        let answer = self.ask(&method, &url, Some(&token), body).await?;
        if answer.status != 403 || !self.refused(&token).await {
            return Ok(answer);
        }
        let token = self.token().await?;
        self.ask(&method, &url, Some(&token), body).await
    }

    async fn ask(
        &self,
        method: &Method,
        url: &Url,
        token: Option<&SecretString>,
        body: Option<&Value>,
    ) -> Result<Answer, Fault> {
        let mut request = self.http.client().request(method.clone(), url.clone());
        request = request.header(REQUEST, "true");
        if let Some(namespace) = &self.namespace {
            request = request.header(NAMESPACE, namespace);
        }
        if let Some(token) = token {
            request = request.header(TOKEN, secret_header("", token)?);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        self.http.send(request.build()).await
    }

    fn at<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Url {
        join(&self.url, std::iter::once("v1").chain(path))
    }
}
