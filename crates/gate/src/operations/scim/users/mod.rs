//! Users of a directory.
mod change;
mod create;
mod delete;
mod get;
mod list;

pub use change::ChangeScimUser;
pub use create::CreateScimUser;
pub use delete::DeleteScimUser;
pub use get::GetScimUser;
use keepgate_identity::{DirectoryUsers, PrincipalStatus, Principals};
use keepgate_kernel::{PrincipalId, Timestamp, Uuid};
use keepgate_rbac::Units;
use keepgate_sso::{
    Account, NewAccount, Provider,
    ports::{Accounts, DirectoryGroups, Providers, ScimTokens},
    scim::UserDraft,
};
use keepgate_store::Transaction;
pub use list::ListScimUsers;

use super::ScimError;

/// What the operations on users need.
pub trait UsersTx:
    Transaction + ScimTokens + Providers + Accounts + DirectoryGroups + DirectoryUsers + Principals + Units
{
}
impl<T> UsersTx for T where
    T: Transaction + ScimTokens + Providers + Accounts + DirectoryGroups + DirectoryUsers + Principals + Units + ?Sized
{
}

/// A user as its directory sees it.
#[derive(Debug, Clone)]
pub struct ScimUser {
    /// Its id.
    pub id: PrincipalId,
    /// What the directory wrote.
    pub draft: UserDraft,
    /// The groups it is in, by name.
    pub groups: Vec<(Uuid, String)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

pub(super) async fn view<Tx: UsersTx + ?Sized>(tx: &mut Tx, account: Account) -> Result<ScimUser, ScimError> {
    let id = account.of.principal;
    let record = tx.principal(id).await?.ok_or(ScimError::NotFound)?;
    Ok(ScimUser {
        id,
        draft: UserDraft {
            user_name: account.of.user_name,
            external_id: account.of.external_id,
            display_name: record.display_name,
            active: record.status == PrincipalStatus::Active,
        },
        groups: tx.groups_of(id).await?,
        created_at: record.created_at,
        updated_at: account.updated_at,
    })
}

pub(super) async fn find<Tx: UsersTx + ?Sized>(
    tx: &mut Tx,
    provider: &Provider,
    id: PrincipalId,
) -> Result<ScimUser, ScimError> {
    let account = tx.account(&provider.issuer, id).await?.ok_or(ScimError::NotFound)?;
    view(tx, account).await
}

pub(super) fn account(provider: &Provider, id: PrincipalId, draft: &UserDraft) -> NewAccount {
    NewAccount {
        principal: id,
        issuer: provider.issuer.clone(),
        subject: draft.external_id.clone(),
        user_name: draft.user_name.clone(),
        external_id: draft.external_id.clone(),
        provisioned: true,
    }
}
