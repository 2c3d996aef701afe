//! The key file: the versions of a root key, ours alone.
//!
//! Either 32 raw bytes, one version, as the first run makes it; or text, a line for each version, the oldest first:
//! `keepgate-root-key v1 RFC3339-TIME 64-HEX-DIGITS`. It is replaced as a whole, under a name of its own until it is on the disk.
mod access;
mod text;

use std::{
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

pub use access::KeyFileError;
use async_trait::async_trait;
use keepgate_kernel::{Clock, SystemClock};
use zeroize::Zeroizing;

use crate::{
    InstanceKey, KeyContext, KeyService, KeyServiceError, RootKey, RootVersion, Wrapped,
    local::{Version, Versions},
};

/// The root key of a key file. Other processes that use the same file see a new version when they first meet it, and when they wrap.
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
    versions: RwLock<Versions>,
}

impl KeyFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`KeyFileError`]; nothing about the content is told.
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        Ok(Self {
            path: path.to_owned(),
            versions: RwLock::new(read(path)?),
        })
    }

    /// Makes a file with a fresh key of one version, mode 0600, durable before it returns. An existing file is never overwritten.
    ///
    /// # Errors
    /// [`KeyFileError::Io`], also when the file exists.
    pub fn create(path: &Path) -> Result<Self, KeyFileError> {
        let first = Version::generate(SystemClock.now()).map_err(KeyFileError::Crypto)?;
        access::create(path, first.kek.bytes())?;
        Ok(Self {
            path: path.to_owned(),
            versions: RwLock::new(Versions(vec![first])),
        })
    }

    /// What an installation's secrets were derived from before it had a key of its own for that: the oldest version.
    ///
    /// # Errors
    /// [`KeyServiceError::Library`].
    pub fn former_instance_key(&self) -> Result<InstanceKey, KeyServiceError> {
        let versions = self.read();
        let oldest = versions.0.first().ok_or(KeyServiceError::NoKey)?;
        Ok(InstanceKey::of_root(&oldest.kek))
    }

    /// The name of the version that wraps.
    #[must_use]
    pub fn current(&self) -> String {
        self.read()
            .0
            .last()
            .map(|version| version.kek.id().to_owned())
            .unwrap_or_default()
    }

    /// Takes the version named `kek` out of the file, for ever. Never the newest.
    ///
    /// # Errors
    /// [`KeyServiceError::Unsupported`] for the newest, [`KeyServiceError::NoKey`] for one that is not there.
    pub fn forget(&self, kek: &str) -> Result<(), KeyServiceError> {
        let _turn = access::lock(&self.path).map_err(down)?;
        let mut now = read(&self.path).map_err(down)?;
        if now.newest()?.kek.id() == kek {
            return Err(KeyServiceError::Unsupported("the newest version stays"));
        }
        let before = now.0.len();
        now.0.retain(|version| version.kek.id() != kek);
        if now.0.len() == before {
            return Err(KeyServiceError::NoKey);
        }
        self.replace(now)
    }

    fn replace(&self, versions: Versions) -> Result<(), KeyServiceError> {
        access::replace(&self.path, &text::write(&versions)).map_err(down)?;
        *self.versions.write().unwrap_or_else(PoisonError::into_inner) = versions;
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, Versions> {
        self.versions.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Result<Versions, KeyFileError> {
    text::read(&access::read(path)?)
}

fn down(error: KeyFileError) -> KeyServiceError {
    KeyServiceError::Down(Box::new(error))
}

#[async_trait]
impl KeyService for KeyFile {
    /// By the newest version of the file as it is now: one that another process has taken out of it must wrap nothing more.
    async fn wrap(&self, context: &KeyContext, key: &[u8; 32]) -> Result<Wrapped, KeyServiceError> {
        let now = read(&self.path).map_err(down)?;
        let wrapped = now.wrap(context, key);
        *self.versions.write().unwrap_or_else(PoisonError::into_inner) = now;
        wrapped
    }

    async fn unwrap(&self, context: &KeyContext, wrapped: &Wrapped) -> Result<Zeroizing<[u8; 32]>, KeyServiceError> {
        if let Some(opened) = self.read().unwrap(context, wrapped) {
            return opened;
        }
        // Another process may have added it.
        let now = read(&self.path).map_err(down)?;
        let opened = now.unwrap(context, wrapped);
        *self.versions.write().unwrap_or_else(PoisonError::into_inner) = now;
        opened.unwrap_or(Err(KeyServiceError::WrongKey))
    }

    async fn rotate(&self) -> Result<RootVersion, KeyServiceError> {
        let _turn = access::lock(&self.path).map_err(down)?;
        let mut now = read(&self.path).map_err(down)?;
        if now.0.len() >= text::MOST {
            return Err(KeyServiceError::Unsupported(
                "the key file holds as many versions as it may; forget old ones first",
            ));
        }
        let told = now.push(Version::generate(SystemClock.now())?);
        self.replace(now)?;
        Ok(told)
    }

    async fn describe(&self) -> Result<RootKey, KeyServiceError> {
        let now = read(&self.path).map_err(down)?;
        now.describe("file", self.path.display().to_string())
    }
}

#[cfg(test)]
mod tests;
