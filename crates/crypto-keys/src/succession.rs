//! A root key that takes over from another one.
use std::sync::Arc;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::{KeyContext, KeyService, KeyServiceError, RootKey, RootVersion, Wrapped};

/// Everything new is wrapped by `heir`; what it did not wrap is opened by `former`, until everything is wrapped anew.
#[derive(Debug)]
pub struct Succession {
    heir: Arc<dyn KeyService>,
    former: Arc<dyn KeyService>,
}

impl Succession {
    /// From `former` to `heir`.
    #[must_use]
    pub fn new(heir: Arc<dyn KeyService>, former: Arc<dyn KeyService>) -> Self {
        Self { heir, former }
    }
}

#[async_trait]
impl KeyService for Succession {
    async fn wrap(&self, context: &KeyContext, key: &[u8; 32]) -> Result<Wrapped, KeyServiceError> {
        self.heir.wrap(context, key).await
    }

    async fn unwrap(&self, context: &KeyContext, wrapped: &Wrapped) -> Result<Zeroizing<[u8; 32]>, KeyServiceError> {
        match self.heir.unwrap(context, wrapped).await {
            Err(KeyServiceError::WrongKey | KeyServiceError::NoKey) => self.former.unwrap(context, wrapped).await,
            ended => ended,
        }
    }

    async fn rotate(&self) -> Result<RootVersion, KeyServiceError> {
        self.heir.rotate().await
    }

    async fn describe(&self) -> Result<RootKey, KeyServiceError> {
        self.heir.describe().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryKeys;

    #[tokio::test]
    async fn the_heir_wraps_and_both_open() {
        let (former, heir) = (
            Arc::new(MemoryKeys::generate().unwrap()),
            Arc::new(MemoryKeys::generate().unwrap()),
        );
        let context = KeyContext::new("dek", b"a", 1);
        let old = former.wrap(&context, &[7; 32]).await.unwrap();
        let both = Succession::new(heir.clone(), former);
        let new = both.wrap(&context, &[8; 32]).await.unwrap();
        assert_eq!(new.kek, heir.describe().await.unwrap().current);
        assert_eq!(*both.unwrap(&context, &old).await.unwrap(), [7; 32]);
        assert_eq!(*both.unwrap(&context, &new).await.unwrap(), [8; 32]);
        assert_eq!(both.describe().await.unwrap().current, new.kek);
        let foreign = MemoryKeys::generate().unwrap().wrap(&context, &[9; 32]).await.unwrap();
        assert!(matches!(
            both.unwrap(&context, &foreign).await,
            Err(KeyServiceError::WrongKey)
        ));
    }
}
