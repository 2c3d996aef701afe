//! Accounts of directories.
use async_trait::async_trait;
use keepgate_kernel::PrincipalId;
use keepgate_store::StoreError;

use crate::{Account, Issuer, NewAccount};

/// Whom an issuer knows as whom, in the caller's tenant. Workers only: everybody else sees nothing, and writing is `Forbidden`.
#[async_trait]
pub trait Accounts: Send {
    /// Writes an account down. `false` if the issuer has another account with that subject, user name (whatever the case) or
    /// external id, or the principal has one already. In PostgreSQL `Forbidden` for a principal that this transaction did not make:
    /// nobody who was here before is ever linked this way.
    async fn add_account(&mut self, new: &NewAccount) -> Result<bool, StoreError>;

    /// The account of a subject.
    async fn account_of_subject(&mut self, issuer: &Issuer, subject: &str) -> Result<Option<Account>, StoreError>;

    /// The account of a principal with that issuer.
    async fn account(&mut self, issuer: &Issuer, principal: PrincipalId) -> Result<Option<Account>, StoreError>;
}
