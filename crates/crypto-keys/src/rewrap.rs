//! What a root key wrapped, wrapped anew: by its next version or by another root key. No data is touched.
//!
//! Tenants' keys, the installation's key and the seeds of signing keys are 32 bytes each, wrapped in a [`KeyContext`]; people's keys are
//! wrapped by their tenant's key and stay. Each gets a copy for the recovery key where that is wanted. With the root key lost, the private
//! half opens the copies instead.
#[cfg(feature = "postgres")]
mod postgres;

use std::sync::Arc;

#[cfg(feature = "postgres")]
pub use postgres::{
    DueTenant, InstanceRow, LogSeed, RewrapTenantKeys, RewrapTokenSeeds, RootUse, TellRewrapped, TenantKey, TokenSeed,
    due_tenants, instance_row, log_seeds, put_instance, put_log_seeds, root_uses, tenant_keys, token_seeds,
};
use zeroize::Zeroizing;

use crate::{CryptoError, KeyContext, KeyService, KeyServiceError, RecoveryKey, RecoverySecret, Unopenable, Wrapped};

/// What lies wrapped in one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootWrapped {
    /// What it is for and whose it is.
    pub context: KeyContext,
    /// As the root key wrapped it.
    pub wrapped: Wrapped,
    /// A copy for a recovery key.
    pub copy: Option<Wrapped>,
}

/// What the row is to hold from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anew {
    /// As the root key wrapped it: what it was, where only a copy was missing.
    pub wrapped: Wrapped,
    /// A copy for the recovery key; `None` leaves the one that is there.
    pub copy: Option<Wrapped>,
}

/// Why a row stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum RewrapError {
    /// The root key's service did not open or wrap it.
    #[error(transparent)]
    Service(#[from] KeyServiceError),
    /// There is no copy for a recovery key.
    #[error("the root key that wrapped it is gone, and there is no copy for a recovery key")]
    NoCopy,
    /// The copy is another recovery key's, or was edited.
    #[error("the copy does not open with this recovery key")]
    WrongCopy,
    /// The new root key has the name of the lost one: nobody could tell what is done.
    #[error("the new root key has the name of the one that wrapped it, and does not open it")]
    SameName,
    /// The library failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl RewrapError {
    /// Whether the same row may succeed in a moment: the service is away.
    #[must_use]
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Service(error) if error.passes())
    }
}

/// Wraps anew by the newest version of a root key.
#[derive(Debug)]
pub struct Rewrapper {
    root: Arc<dyn KeyService>,
    current: String,
    recovery: Option<RecoveryKey>,
    secret: Option<RecoverySecret>,
    only_copies: bool,
}

impl Rewrapper {
    /// By `root`, with copies for `recovery`. Asks `root` which of its versions wraps.
    ///
    /// # Errors
    /// Those of the service.
    pub async fn new(root: Arc<dyn KeyService>, recovery: Option<RecoveryKey>) -> Result<Self, KeyServiceError> {
        Ok(Self {
            current: root.describe().await?.current,
            root,
            recovery,
            secret: None,
            only_copies: false,
        })
    }

    /// The same; what `root` does not open is opened from its copy with `secret`.
    #[must_use]
    pub fn recovering(self, secret: RecoverySecret) -> Self {
        Self {
            secret: Some(secret),
            ..self
        }
    }

    /// The same; only makes copies that are missing.
    #[must_use]
    pub fn only_copies(self) -> Self {
        Self {
            only_copies: true,
            ..self
        }
    }

    /// The name that wrapped keys have after it.
    #[must_use]
    pub fn current(&self) -> &str {
        &self.current
    }

    /// The recovery key's name, if copies are made.
    #[must_use]
    pub fn recovery_to(&self) -> Option<String> {
        self.recovery.as_ref().map(RecoveryKey::id)
    }

    /// As [`Rewrapper::current`] for the search of rows: `None` where any name is as good.
    #[must_use]
    pub fn wanted(&self) -> Option<&str> {
        (!self.only_copies).then_some(&*self.current)
    }

    /// Whether there is anything to do about a row.
    #[must_use]
    pub fn is_due(&self, row: &RootWrapped) -> bool {
        self.wanted().is_some_and(|current| row.wrapped.kek != current) || self.lacks_copy(row)
    }

    fn lacks_copy(&self, row: &RootWrapped) -> bool {
        let to = row.copy.as_ref().map(|copy| &copy.kek);
        self.recovery_to().is_some_and(|wanted| to != Some(&wanted))
    }

    /// What a row that is due is to hold.
    ///
    /// # Errors
    /// [`RewrapError`]; the row stays as it is.
    pub async fn anew(&self, row: &RootWrapped) -> Result<Anew, RewrapError> {
        let key = self.open(row).await?;
        let wrapped = if self.only_copies || row.wrapped.kek == self.current {
            row.wrapped.clone()
        } else {
            self.root.wrap(&row.context, &key).await?
        };
        let copy = match &self.recovery {
            Some(recovery) if self.lacks_copy(row) => Some(recovery.wrap_bytes(&row.context, &key)?),
            _ => None,
        };
        Ok(Anew { wrapped, copy })
    }

    async fn open(&self, row: &RootWrapped) -> Result<Zeroizing<[u8; 32]>, RewrapError> {
        let lost = match self.root.unwrap(&row.context, &row.wrapped).await {
            Ok(key) => return Ok(key),
            Err(error @ (KeyServiceError::WrongKey | KeyServiceError::NoKey | KeyServiceError::Revoked)) => error,
            Err(error) => return Err(error.into()),
        };
        let Some(secret) = &self.secret else {
            return Err(lost.into());
        };
        if row.wrapped.kek == self.current {
            return Err(RewrapError::SameName);
        }
        let copy = row.copy.as_ref().ok_or(RewrapError::NoCopy)?;
        let opened = secret.open_bytes(&row.context, copy);
        opened.map_err(|Unopenable| RewrapError::WrongCopy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryKeys, generate_recovery_key};

    async fn row(root: &MemoryKeys) -> RootWrapped {
        let context = KeyContext::new("dek", b"a", 1);
        let wrapped = root.wrap(&context, &[7; 32]).await.unwrap();
        RootWrapped {
            context,
            wrapped,
            copy: None,
        }
    }

    async fn over(root: &Arc<MemoryKeys>, recovery: Option<RecoveryKey>) -> Rewrapper {
        Rewrapper::new(root.clone(), recovery).await.unwrap()
    }

    fn put(row: &RootWrapped, anew: Anew) -> RootWrapped {
        RootWrapped {
            context: row.context.clone(),
            wrapped: anew.wrapped,
            copy: anew.copy.or_else(|| row.copy.clone()),
        }
    }

    #[tokio::test]
    async fn what_an_older_version_wrapped_is_wrapped_by_the_newest_and_nothing_else_is_due() {
        let root = Arc::new(MemoryKeys::generate().unwrap());
        let old = row(&root).await;
        assert!(!over(&root, None).await.is_due(&old));
        root.rotate().await.unwrap();
        let rewrap = over(&root, None).await;
        assert!(rewrap.is_due(&old) && !over(&root, None).await.only_copies().is_due(&old));
        let new = put(&old, rewrap.anew(&old).await.unwrap());
        assert!(!rewrap.is_due(&new) && new.wrapped.kek == rewrap.current());
        assert_eq!(*root.unwrap(&new.context, &new.wrapped).await.unwrap(), [7; 32]);
    }

    #[tokio::test]
    async fn a_missing_copy_is_made_and_leaves_the_wrapped_key_alone() {
        let root = Arc::new(MemoryKeys::generate().unwrap());
        let (public, _) = generate_recovery_key().unwrap();
        let old = row(&root).await;
        root.rotate().await.unwrap();
        let rewrap = over(&root, Some(public)).await.only_copies();
        assert!(rewrap.is_due(&old));
        let new = put(&old, rewrap.anew(&old).await.unwrap());
        assert!(new.wrapped == old.wrapped && new.copy.is_some() && !rewrap.is_due(&new));
        let (another, _) = generate_recovery_key().unwrap();
        assert!(
            over(&root, Some(another)).await.only_copies().is_due(&new),
            "another recovery key's"
        );
    }

    #[tokio::test]
    async fn with_the_root_key_lost_the_copy_opens_and_no_other() {
        let lost = Arc::new(MemoryKeys::generate().unwrap());
        let (public, secret) = generate_recovery_key().unwrap();
        let bare = row(&lost).await;
        let copied = put(&bare, over(&lost, Some(public)).await.anew(&bare).await.unwrap());
        let root = Arc::new(MemoryKeys::generate().unwrap());
        assert!(matches!(
            over(&root, None).await.anew(&copied).await,
            Err(RewrapError::Service(KeyServiceError::WrongKey))
        ));
        let (_, another) = generate_recovery_key().unwrap();
        let wrong = over(&root, None).await.recovering(another);
        assert!(matches!(wrong.anew(&copied).await, Err(RewrapError::WrongCopy)));
        let right = over(&root, None).await.recovering(secret);
        assert!(matches!(right.anew(&bare).await, Err(RewrapError::NoCopy)));
        let back = right.anew(&copied).await.unwrap();
        assert_eq!(*root.unwrap(&copied.context, &back.wrapped).await.unwrap(), [7; 32]);
    }
}
