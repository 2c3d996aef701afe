//! Every secret the service works with, derived from the installation's key. The same on every instance.
use std::sync::Arc;

use keepgate_crypto_keys::InstanceKey;
use keepgate_identity::{ApiKeyFormat, BucketKey, Environment};
use keepgate_sso::scim::ScimTokenKey;
use keepgate_store::ClaimKey;
use zeroize::Zeroizing;

use crate::{
    exit::Exit,
    failure::{Failure, chain},
    secrets::Root,
};

/// The keys of one installation.
pub struct Keys {
    instance: InstanceKey,
    root: Root,
}

impl Keys {
    /// From the installation's key, which `root` has opened.
    pub const fn new(instance: InstanceKey, root: Root) -> Self {
        Self { instance, root }
    }

    /// The root key.
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// Signs what the gateway claims about a caller; the database holds its pads.
    ///
    /// # Errors
    /// Exit code 4.
    pub fn claims(&self) -> Result<ClaimKey, Failure> {
        Ok(ClaimKey::new(
            format!("kek-{}", self.instance.id()),
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
        self.instance.derive(purpose).map_err(|error| {
            Failure::new(
                Exit::KeyFile,
                "can't derive a key",
                chain(&error),
                "start again; report this if it stays",
            )
        })
    }
}
