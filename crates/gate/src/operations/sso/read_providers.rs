//! Looking at providers.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_sso::{Provider, ProviderName, ports::Providers};
use keepgate_store::StoreError;

/// One provider, without its secret.
#[derive(Debug, Clone)]
pub struct GetProvider {
    /// Which.
    pub name: ProviderName,
}

/// Why none is shown.
#[derive(Debug, thiserror::Error)]
pub enum GetProviderError {
    /// There is none.
    #[error("no such provider")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for GetProviderError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("provider-not-found"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Providers + ?Sized> Command<Tx> for GetProvider {
    type Permission = permissions::SsoRead;
    type Output = Provider;
    type Error = GetProviderError;

    fn entity(&self) -> Entity {
        self.name.entity()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Provider, GetProviderError> {
        tx.provider(&self.name).await?.ok_or(GetProviderError::NotFound)
    }
}

/// Every provider of the tenant, by name, without secrets.
#[derive(Debug, Clone, Copy)]
pub struct ListProviders;

impl<Tx: Providers + ?Sized> Command<Tx> for ListProviders {
    type Permission = permissions::SsoRead;
    type Output = Vec<Provider>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("sso-providers")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<Provider>, StoreError> {
        tx.providers().await
    }
}
