//! A key service in memory, for tests and for programs that keep nothing.
use std::sync::{PoisonError, RwLock};

use async_trait::async_trait;
use keepgate_kernel::{Clock, SystemClock};
use zeroize::Zeroizing;

use crate::{
    KeyContext, KeyService, KeyServiceError, RootKey, RootState, RootVersion, Wrapped,
    local::{Version, Versions},
};

/// The root key of this process: what it wrapped opens for as long as it lives.
#[derive(Debug)]
pub struct MemoryKeys(RwLock<Versions>);

impl MemoryKeys {
    /// A fresh root key of one version.
    ///
    /// # Errors
    /// [`KeyServiceError::Library`] without randomness.
    pub fn generate() -> Result<Self, KeyServiceError> {
        let first = Version::generate(SystemClock.now())?;
        Ok(Self(RwLock::new(Versions(vec![first]))))
    }

    /// Suspends, destroys or allows again the version named `kek`; `false` when there is none, or it is destroyed.
    pub fn set_state(&self, kek: &str, state: RootState) -> bool {
        let mut versions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let found = versions.0.iter_mut().find(|version| version.kek.id() == kek);
        match found {
            Some(version) if version.state != RootState::Destroyed => {
                version.state = state;
                true
            }
            _ => false,
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Versions> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl KeyService for MemoryKeys {
    async fn wrap(&self, context: &KeyContext, key: &[u8; 32]) -> Result<Wrapped, KeyServiceError> {
        self.read().wrap(context, key)
    }

    async fn unwrap(&self, context: &KeyContext, wrapped: &Wrapped) -> Result<Zeroizing<[u8; 32]>, KeyServiceError> {
        let opened = self.read().unwrap(context, wrapped);
        opened.unwrap_or(Err(KeyServiceError::WrongKey))
    }

    async fn rotate(&self) -> Result<RootVersion, KeyServiceError> {
        let next = Version::generate(SystemClock.now())?;
        Ok(self.0.write().unwrap_or_else(PoisonError::into_inner).push(next))
    }

    async fn describe(&self) -> Result<RootKey, KeyServiceError> {
        self.read().describe("memory", "memory".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_older_version_opens_what_it_wrapped_until_it_is_suspended_or_destroyed() {
        let keys = MemoryKeys::generate().unwrap();
        let context = KeyContext::new("dek", b"tenant", 1);
        let old = keys.wrap(&context, &[7; 32]).await.unwrap();
        let turned = keys.rotate().await.unwrap();
        assert_ne!(turned.kek, old.kek);
        assert_eq!(keys.wrap(&context, &[7; 32]).await.unwrap().kek, turned.kek);
        assert_eq!(*keys.unwrap(&context, &old).await.unwrap(), [7; 32]);
        assert!(keys.set_state(&old.kek, RootState::Suspended));
        assert!(matches!(
            keys.unwrap(&context, &old).await,
            Err(KeyServiceError::Revoked)
        ));
        assert!(keys.set_state(&old.kek, RootState::Deactivated));
        assert!(keys.unwrap(&context, &old).await.is_ok());
        assert!(keys.set_state(&old.kek, RootState::Destroyed));
        assert!(!keys.set_state(&old.kek, RootState::Active));
        assert!(matches!(
            keys.unwrap(&context, &old).await,
            Err(KeyServiceError::Revoked)
        ));
    }

    #[tokio::test]
    async fn a_wrapped_key_opens_in_its_context_and_under_its_root_only() {
        let keys = MemoryKeys::generate().unwrap();
        let wrapped = keys.wrap(&KeyContext::new("dek", b"a", 1), &[7; 32]).await.unwrap();
        for other in [
            KeyContext::new("dek", b"b", 1),
            KeyContext::new("dek", b"a", 2),
            KeyContext::new("seed", b"a", 1),
        ] {
            assert!(matches!(
                keys.unwrap(&other, &wrapped).await,
                Err(KeyServiceError::WrongKey)
            ));
        }
        let elsewhere = MemoryKeys::generate().unwrap();
        let opened = elsewhere.unwrap(&KeyContext::new("dek", b"a", 1), &wrapped).await;
        assert!(matches!(opened, Err(KeyServiceError::WrongKey)));
    }
}
