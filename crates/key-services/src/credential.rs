//! What we show to a service to be let in.
use std::{fmt, sync::Arc};

use secrecy::SecretString;

/// A credential can't be read where it is kept. The reason is told where it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the credential can't be read")]
pub struct Unreadable;

/// A secret that is read anew whenever it is needed, so that a renewed one is picked up.
#[derive(Clone)]
pub struct Credential(Arc<dyn Fn() -> Result<SecretString, Unreadable> + Send + Sync>);

impl Credential {
    /// `read` is called from asynchronous code for each log-in or signature: it should take no longer than reading a small file.
    pub fn new(read: impl Fn() -> Result<SecretString, Unreadable> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Its present value.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn read(&self) -> Result<SecretString, Unreadable> {
        (self.0)()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}

impl From<SecretString> for Credential {
    fn from(value: SecretString) -> Self {
        Self::new(move || Ok(value.clone()))
    }
}
