//! Every secret the service works with, derived from the one key file. The same file gives the same keys on every instance.
use std::{path::Path, sync::Arc};

use keepgate_crypto_keys::Kek;
use keepgate_identity::{ApiKeyFormat, BucketKey, Environment};
use keepgate_sso::scim::ScimTokenKey;
use keepgate_store::ClaimKey;
use zeroize::Zeroizing;

use crate::{
    exit::Exit,
    failure::{Failure, chain},
    secrets::kek,
};

/// The keys of one installation.
pub struct Keys {
    kek: Kek,
    path: std::path::PathBuf,
}

impl Keys {
    /// From the key of the file at `path`.
    pub fn new(kek: Kek, path: &Path) -> Self {
        Self {
            kek,
            path: path.to_owned(),
        }
    }

    /// Another copy of the key itself, read from its file again: it can't be cloned.
    ///
    /// # Errors
    /// Exit code 4 when the file changed or went away meanwhile.
    pub fn kek(&self) -> Result<Kek, Failure> {
        let again = kek::load(&self.path)?.filter(|again| again.id() == self.kek.id());
        again.ok_or_else(|| kek::lost(&self.path))
    }

    /// Signs what the gateway claims about a caller; the database holds its pads.
    ///
    /// # Errors
    /// Exit code 4.
    pub fn claims(&self) -> Result<ClaimKey, Failure> {
        Ok(ClaimKey::new(
            format!("kek-{}", self.kek.id()),
            *self.derive("claim key v1")?,
        ))
    }

    /// What versions before the stored ring signed access tokens with: theirs go on until they end.
    ///
    /// # Errors
    /// Exit code 4.
    pub fn former_token_key(&self) -> Result<Zeroizing<[u8; 32]>, Failure> {
        self.derive("token signing key v1")
    }

    /// Makes and recognises API keys.
    ///
    /// # Errors
    /// Exit code 4.
    pub fn api_keys(&self) -> Result<Arc<ApiKeyFormat>, Failure> {
        Ok(Arc::new(ApiKeyFormat::new(
            Environment::Live,
            &*self.derive("api key mark v1")?,
        )))
    }

    /// Hides the identifiers of failed log-ins.
    ///
    /// # Errors
    /// Exit code 4.
    pub fn throttle(&self) -> Result<Arc<BucketKey>, Failure> {
        Ok(Arc::new(BucketKey::new(&*self.derive("login throttle v1")?)))
    }

    /// Recognises the tokens of directories.
    ///
    /// # Errors
    /// Exit code 4.
    pub fn scim_tokens(&self) -> Result<Arc<ScimTokenKey>, Failure> {
        Ok(Arc::new(ScimTokenKey::new(&*self.derive("scim token v1")?)))
    }

    fn derive(&self, purpose: &str) -> Result<Zeroizing<[u8; 32]>, Failure> {
        self.kek.derive(purpose).map_err(|error| failed(&error))
    }
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(
        Exit::KeyFile,
        "can't derive a key from the key file",
        chain(error),
        "check the key file",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_that_was_exchanged_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kek");
        let keys = Keys::new(kek::create(&path).unwrap(), &path);
        assert!(keys.kek().is_ok());
        std::fs::remove_file(&path).unwrap();
        kek::create(&path).unwrap();
        assert_eq!(keys.kek().err().map(|failure| failure.exit), Some(Exit::KeyFile));
    }
}
