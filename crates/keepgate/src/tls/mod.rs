//! The certificate: the operator's own, or a development one that renews itself.
mod authority;
mod files;
mod own;
mod server;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use keepgate_kernel::Timestamp;
use rustls::ServerConfig;

use crate::{config::TlsFiles, failure::Failure};
pub use server::install_provider;

/// Where the certificate comes from; asked again to renew it.
#[derive(Debug, Clone)]
pub enum Identity {
    /// Files of the operator.
    Own(TlsFiles),
    /// A development authority and its leaf in this directory.
    Development(PathBuf),
}

impl Identity {
    /// The operator's files if there are any, else the development certificate in the data directory.
    pub fn of(files: Option<&TlsFiles>, data_dir: &Path) -> Self {
        files.map_or_else(
            || Self::Development(data_dir.join("tls")),
            |files| Self::Own(files.clone()),
        )
    }

    /// What the listener needs. A development certificate that is missing, or has less than 30 days left, is made anew.
    ///
    /// # Errors
    /// Exit code 4 for a key file that is open to others, 2 for a certificate that can't be used.
    pub fn load(&self, now: Timestamp) -> Result<Arc<ServerConfig>, Failure> {
        let chain = match self {
            Self::Own(files) => own::read(files)?,
            Self::Development(dir) => authority::ensure_leaf(dir, now)?,
        };
        server::config(chain)
    }

    /// Whether the certificate can be served as it is, without changing anything: `false` if a development certificate
    /// is missing or due for renewal.
    ///
    /// # Errors
    /// As [`Identity::load`].
    pub fn look(&self, now: Timestamp) -> Result<bool, Failure> {
        match self {
            Self::Own(files) => server::config(own::read(files)?).map(|_| true),
            Self::Development(dir) => Ok(authority::current(dir, now)?.is_some()),
        }
    }

    /// A digest of the operator's files as they are now; `None` for a development certificate, and while a file is missing.
    pub fn digest(&self) -> Option<[u8; 32]> {
        let Self::Own(files) = self else { return None };
        let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        for file in [&files.cert, &files.key] {
            let content = zeroize::Zeroizing::new(std::fs::read(file).ok()?);
            digest.update(&content.len().to_be_bytes());
            digest.update(&content);
        }
        digest.finish().as_ref().try_into().ok()
    }

    /// The certificate that clients should trust; `None` when a public authority signed ours.
    pub fn ca_cert(&self) -> Option<PathBuf> {
        match self {
            Self::Own(_) => None,
            Self::Development(dir) => Some(dir.join(files::CA_CERT)),
        }
    }
}
