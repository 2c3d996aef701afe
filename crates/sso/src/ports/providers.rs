//! Identity providers.
use async_trait::async_trait;
use keepgate_store::StoreError;

use crate::{Provider, ProviderName, SecretChange};

/// Identity providers of the caller's tenant. Owners write, levels 4 and 5 and workers read, nobody else sees any.
#[async_trait]
pub trait Providers: Send {
    /// Puts a provider on record, in place of any of that name; its mapping is replaced as a whole, and the caller is from now on
    /// the owner in whose name it gives levels. A secret on record is dropped when issuer or client id change. `false` if another
    /// provider of the tenant has that issuer; nothing was changed then. `Forbidden` for anybody but an owner of the tenant, who
    /// must be `provider.configured_by`.
    async fn put_provider(&mut self, provider: &Provider, secret: &SecretChange) -> Result<bool, StoreError>;

    /// The provider of that name.
    async fn provider(&mut self, name: &ProviderName) -> Result<Option<Provider>, StoreError>;

    /// Every provider, by name.
    async fn providers(&mut self) -> Result<Vec<Provider>, StoreError>;

    /// Removes a provider with its mapping and secret. People it made stay, and can't come in through it any more. `false` when
    /// there is none the caller may remove.
    async fn delete_provider(&mut self, name: &ProviderName) -> Result<bool, StoreError>;

    /// The sealed client secret, if there is one. The log-in's worker only: `None` for everybody else, in PostgreSQL `Forbidden`.
    async fn provider_secret(&mut self, name: &ProviderName) -> Result<Option<Vec<u8>>, StoreError>;
}
