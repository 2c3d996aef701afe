//! The configuration: one TOML file, every key typed, every mistake reported at once.
//!
//! To add a key: a line in [`keys`], a field and a `get` in [`build`], a row in `docs/configuration.md`. Tests hold the
//! three together.
mod anchors;
mod archive;
mod build;
mod key;
mod keys;
mod load;
mod mail;
mod mistake;
mod provider;
mod reader;
mod root_key;
mod services;
#[cfg(test)]
mod tests;
mod types;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

pub use anchors::{Tsa, Witnesses};
pub use archive::{ArchiveBucket, ArchivePlace};
use keepgate_audit::LogHost;
pub use load::{Flags, load};
pub use mail::Mail;
pub use provider::{Provider, ProviderKind};
pub use root_key::RootKeyPlace;
pub use services::{AwsIdentity, BaoAuth, Services};
pub use types::DatabaseRef;
use url::Url;

use crate::secrets::SecretRef;

/// Everything the service can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The file it came from, `None` for the defaults.
    pub file: Option<PathBuf>,
    /// Where HTTPS is served.
    pub listen: SocketAddr,
    /// Where metrics and health are served, on loopback.
    pub admin_listen: SocketAddr,
    /// The address that others use, when it is not `listen`.
    pub public_url: Option<Url>,
    /// Where everything of this instance lies.
    pub data_dir: PathBuf,
    /// The database of `kg_app`; `None`: a private PostgreSQL in the data directory.
    pub database_url: Option<DatabaseRef>,
    /// The same database for `kg_auth`.
    pub auth_url: Option<DatabaseRef>,
    /// The same database for `kg_integrator`.
    pub integrator_url: Option<DatabaseRef>,
    /// The same database for `kg_migrator`.
    pub migrate_url: Option<DatabaseRef>,
    /// The key-encryption key's file.
    pub kek_file: PathBuf,
    /// Where the root key is.
    pub root_key: RootKeyPlace,
    /// Services that hold keys and secrets.
    pub services: Services,
    /// Our own certificate; `None`: a development certificate.
    pub tls: Option<TlsFiles>,
    /// What is logged, and how.
    pub log: Log,
    /// What one caller may ask for.
    pub limits: Limits,
    /// The host part of the audit logs' names.
    pub audit_origin: LogHost,
    /// Who outside vouches for the audit logs.
    pub witnesses: Option<Witnesses>,
    /// Who stamps checkpoints with the time.
    pub tsa: Option<Tsa>,
    /// How often audit logs that grew are signed.
    pub audit_checkpoint: Duration,
    /// Whether checkpoints carry an ML-DSA-44 signature too.
    pub audit_ml_dsa: bool,
    /// Where old months of the audit logs are archived; without it none is removed.
    pub audit_archive: Option<ArchivePlace>,
    /// How many whole months are kept.
    pub audit_retention: u32,
    /// For how many days addresses of callers nobody knows are kept.
    pub audit_strangers: u16,
    /// The private PostgreSQL, and the pools.
    pub postgres: Postgres,
    /// Where mail about accounts is handed in.
    pub mail: Option<Mail>,
    /// Who carries the channels.
    pub providers: Vec<Provider>,
    /// Whether outgoing webhooks may go to this machine: for tests.
    pub webhooks_allow_loopback: bool,
    /// Whether identity providers may be on this machine.
    pub sso_allow_loopback: bool,
    /// Networks of the operator's own in which identity providers may be.
    pub sso_internal: Vec<keepgate_identity::IpNet>,
    /// Whether receivers of audit logs may be on this machine.
    pub sinks_allow_loopback: bool,
    /// Networks of the operator's own in which receivers of audit logs may be.
    pub sinks_internal: Vec<keepgate_identity::IpNet>,
}

impl Config {
    /// Every reference to a secret, with the key that names it; a provider's with the provider's name.
    pub fn secrets(&self) -> Vec<(String, &SecretRef)> {
        let urls = [
            ("database_url", &self.database_url),
            ("auth_url", &self.auth_url),
            ("integrator_url", &self.integrator_url),
            ("migrate_url", &self.migrate_url),
        ];
        let urls = urls.into_iter().filter_map(|(key, url)| match url {
            Some(DatabaseRef::Secret(secret)) => Some((key.to_owned(), secret)),
            Some(DatabaseRef::Url(_)) | None => None,
        });
        let providers = self.providers.iter();
        let providers =
            providers.map(|provider| (format!("providers[{}].auth_token", provider.name), &provider.auth_token));
        let mail = self.mail.as_ref().and_then(|mail| mail.login.as_ref());
        let mail = mail.map(|(_, password)| ("mail.password".to_owned(), password));
        let archive = match &self.audit_archive {
            Some(ArchivePlace::Bucket(bucket)) => Some(("audit.archive_secret_key".to_owned(), &bucket.secret_key)),
            Some(ArchivePlace::Directory(_)) | None => None,
        };
        let doors = self.services.secrets().into_iter();
        urls.chain(doors.map(|(key, secret)| (key.to_owned(), secret)))
            .chain(providers)
            .chain(mail)
            .chain(archive)
            .collect()
    }
}

/// The configuration in `source`, for the tests of others.
#[cfg(test)]
pub fn parsed(source: &str) -> Config {
    use std::path::Path;
    build::build(source, Path::new("/etc/keepgate"), Path::new("/data")).expect("a configuration")
}

/// A certificate chain and its key, both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, leaf first.
    pub cert: PathBuf,
    /// The key, PKCS #8 or SEC1, mode 0600.
    pub key: PathBuf,
}

/// The log on standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// JSON lines or text.
    pub format: LogFormat,
}

/// How the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// One JSON object a line.
    Json,
    /// For eyes.
    Text,
}

/// Limits of the HTTP surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// How long a request may take; streams excepted.
    pub request_timeout: Duration,
    /// How long a client may take to send its headers.
    pub header_timeout: Duration,
    /// Requests a minute of one credential.
    pub requests_per_minute: u32,
    /// Requests a minute without a valid credential, from one address.
    pub anonymous_per_minute: u32,
    /// How many proxies of the operator's own stand in front.
    pub trusted_proxies: u8,
}

/// The private PostgreSQL, and the pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// Where its binaries are; `None`: looked for.
    pub bin_dir: Option<PathBuf>,
    /// `max_connections` of the private server.
    pub max_connections: u16,
    /// Connections of the service's own pool.
    pub pool: u32,
}
