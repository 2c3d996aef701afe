//! Ending an API key.
use keepgate_kernel::{Entity, KeyId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::ApiKeys;

/// Revokes a key for good, its rotated secrets too.
#[derive(Debug, Clone, Copy)]
pub struct RevokeApiKey {
    /// Which.
    pub id: KeyId,
}

/// Why it was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeApiKeyError {
    /// There is no live key of that id.
    #[error("no such API key")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RevokeApiKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("api-key-not-found"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: ApiKeys + ?Sized> Command<Tx> for RevokeApiKey {
    type Permission = permissions::ApiKeyRevoke;
    type Output = ();
    type Error = RevokeApiKeyError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), RevokeApiKeyError> {
        if tx.revoke_api_key(self.id).await? {
            Ok(())
        } else {
            Err(RevokeApiKeyError::NotFound)
        }
    }
}
