//! The end of a provider.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_sso::{ProviderName, ports::Providers};
use keepgate_store::StoreError;

/// Removes a provider with its mapping and secret. The people it made stay what they are, and can't come in through it any more.
#[derive(Debug, Clone)]
pub struct DeleteProvider {
    /// Which.
    pub name: ProviderName,
}

/// Why it was not removed.
#[derive(Debug, thiserror::Error)]
pub enum DeleteProviderError {
    /// There is none.
    #[error("no such provider")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for DeleteProviderError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("provider-not-found"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Providers + ?Sized> Command<Tx> for DeleteProvider {
    type Permission = permissions::SsoConfigure;
    type Output = ();
    type Error = DeleteProviderError;

    fn entity(&self) -> Entity {
        self.name.entity()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), DeleteProviderError> {
        if tx.delete_provider(&self.name).await? {
            Ok(())
        } else {
            Err(DeleteProviderError::NotFound)
        }
    }
}
