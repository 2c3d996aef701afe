//! Operation: give a tenant its first data key.
use keepgate_kernel::{Entity, TenantId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions::KeyCreate};
use keepgate_store::{StoreError, Transaction};

use crate::{DataKeys, StoredKey};

/// Stores `candidate` unless the tenant already has a key of that version, and returns what is stored. Two instances that
/// do it at once end with the same key.
#[derive(Debug)]
pub struct EnsureDataKey {
    /// The tenant that gets it; the context's own.
    pub tenant: TenantId,
    /// A freshly made key, wrapped.
    pub candidate: StoredKey,
}

/// Why the tenant has no key.
#[derive(Debug, thiserror::Error)]
pub enum EnsureKeyError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for EnsureKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: DataKeys + Transaction + ?Sized> Command<Tx> for EnsureDataKey {
    type Permission = KeyCreate;
    type Output = Vec<StoredKey>;
    type Error = EnsureKeyError;

    fn entity(&self) -> Entity {
        self.tenant.into()
    }

    async fn run(&self, _proof: &Authorized<KeyCreate>, tx: &mut Tx) -> Result<Vec<StoredKey>, EnsureKeyError> {
        tx.add_data_key(&self.candidate).await?;
        Ok(tx.data_keys().await?)
    }
}
