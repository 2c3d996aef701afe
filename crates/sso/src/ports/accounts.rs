//! Accounts of directories.
use async_trait::async_trait;
use keepgate_kernel::PrincipalId;
use keepgate_store::StoreError;

use crate::{Account, Issuer, NewAccount, scim::Filter};

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

    /// Changes the account of `new.principal` with `new.issuer`. `false` as for adding, or when there is none.
    async fn change_account(&mut self, new: &NewAccount) -> Result<bool, StoreError>;

    /// Removes an account, and with it its memberships. `false` when there was none.
    async fn remove_account(&mut self, issuer: &Issuer, principal: PrincipalId) -> Result<bool, StoreError>;

    /// Whom the issuer knows, in no order. Owners of the tenant only, for whom this one method is; nobody else sees any.
    async fn people_of(&mut self, issuer: &Issuer) -> Result<Vec<PrincipalId>, StoreError>;

    /// How many accounts of the issuer `filter` selects, and at most `limit` of them after the first `skip`, in the order of their
    /// ids. User names are compared whatever the case; a display name selects nothing.
    async fn accounts(
        &mut self,
        issuer: &Issuer,
        filter: Option<&Filter>,
        skip: u32,
        limit: u32,
    ) -> Result<(u64, Vec<Account>), StoreError>;
}
