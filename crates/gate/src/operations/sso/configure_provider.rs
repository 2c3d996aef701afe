//! A provider and its mapping.
use keepgate_identity::Sessions;
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_rbac::Units;
use keepgate_sso::{
    InvalidProvider, Provider, SecretChange,
    ports::{Accounts, Providers},
};
use keepgate_store::StoreError;

use super::delete_provider::end_sessions;

/// Puts a provider on record, in place of any of that name. Whoever does it is from now on the owner in whose name the mapping gives
/// levels, for as long as that person is an owner. Another issuer in place of the one before ends the sessions of whom that one knows.
#[derive(Debug, Clone)]
pub struct ConfigureProvider {
    /// The provider; `configured_by` must be the caller.
    pub provider: Provider,
    /// The client secret, sealed before the transaction.
    pub secret: SecretChange,
}

/// Why nothing was configured.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureProviderError {
    /// A part is not what it should be.
    #[error(transparent)]
    Invalid(#[from] InvalidProvider),
    /// Another provider of the tenant has that issuer.
    #[error("another provider has that issuer")]
    IssuerTaken,
    /// The tenant has no such unit.
    #[error("a group is mapped to a unit that does not exist")]
    UnitNotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ConfigureProviderError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Refused("invalid-provider"),
            Self::IssuerTaken => ErrorKind::Refused("issuer-taken"),
            Self::UnitNotFound => ErrorKind::Refused("unit-not-found"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Accounts + Providers + Sessions + Units + ?Sized> Command<Tx> for ConfigureProvider {
    type Permission = permissions::SsoConfigure;
    type Output = Provider;
    type Error = ConfigureProviderError;

    fn entity(&self) -> Entity {
        self.provider.name.entity()
    }

    async fn run(
        &self,
        _proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<Provider, ConfigureProviderError> {
        self.provider.check()?;
        let units = tx.units(None, u32::MAX).await?;
        let mut wanted = self.provider.mapping.groups().values().filter_map(|mapped| mapped.unit);
        if !wanted.all(|unit| units.iter().any(|known| known.id == unit)) {
            return Err(ConfigureProviderError::UnitNotFound);
        }
        let before = tx.provider(&self.provider.name).await?;
        if !tx.put_provider(&self.provider, &self.secret).await? {
            return Err(ConfigureProviderError::IssuerTaken);
        }
        if let Some(before) = before.filter(|before| before.issuer != self.provider.issuer) {
            end_sessions(tx, &before.issuer).await?;
        }
        let stored = tx.provider(&self.provider.name).await?;
        stored.ok_or_else(|| StoreError::Conflict.into())
    }
}
