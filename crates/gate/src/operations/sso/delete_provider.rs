//! The end of a provider.
use keepgate_identity::Sessions;
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_sso::{
    Issuer, ProviderName,
    ports::{Accounts, Providers},
};
use keepgate_store::StoreError;

/// Removes a provider with its mapping and secret, and ends the sessions of everybody it knows. The people it made stay what they are,
/// and can't come in through it any more.
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

/// Ends the sessions of whom `issuer` knows: it vouches for nobody here any more.
pub(super) async fn end_sessions<Tx>(tx: &mut Tx, issuer: &Issuer) -> Result<(), StoreError>
where
    Tx: Accounts + Sessions + ?Sized,
{
    let people = tx.people_of(issuer).await?;
    tx.revoke_sessions_of_all(&people).await.map(drop)
}

impl<Tx: Accounts + Providers + Sessions + ?Sized> Command<Tx> for DeleteProvider {
    type Permission = permissions::SsoConfigure;
    type Output = ();
    type Error = DeleteProviderError;

    fn entity(&self) -> Entity {
        self.name.entity()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), DeleteProviderError> {
        let provider = tx.provider(&self.name).await?;
        let provider = provider.ok_or(DeleteProviderError::NotFound)?;
        if !tx.delete_provider(&self.name).await? {
            return Err(DeleteProviderError::NotFound);
        }
        Ok(end_sessions(tx, &provider.issuer).await?)
    }
}
