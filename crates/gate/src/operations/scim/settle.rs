//! What every operation of a directory begins and ends with.
use keepgate_identity::{DirectoryUsers, PrincipalStatus};
use keepgate_kernel::{Level, PrincipalId};
use keepgate_policy::{Authorized, permissions::ScimProvision};
use keepgate_rbac::Units;
use keepgate_sso::{
    Provider,
    ports::{Accounts, DirectoryGroups, Providers, ScimTokens},
    scim::Directory,
};
use keepgate_store::StoreError;

use super::ScimError;
use crate::operations::sso::mapped::apply;

/// The provider whose directory this is, provided the token is alive in this very transaction.
pub(super) async fn entered<Tx: ScimTokens + Providers + ?Sized>(
    tx: &mut Tx,
    directory: &Directory,
) -> Result<Provider, ScimError> {
    if !tx.is_scim_token_live(directory.token).await? {
        return Err(ScimError::TokenEnded);
    }
    tx.provider(&directory.provider).await?.ok_or(ScimError::TokenEnded)
}

/// Gives a user what its groups stand for now. Whoever made the mapping must be a live owner for anything to be given; without one,
/// what was held is taken away.
pub(super) async fn settle<Tx>(
    tx: &mut Tx,
    proof: &Authorized<ScimProvision>,
    provider: &Provider,
    user: PrincipalId,
) -> Result<(), ScimError>
where
    Tx: DirectoryUsers + DirectoryGroups + Accounts + Units + ?Sized,
{
    let Some(present) = tx.standing(user).await? else {
        return Ok(());
    };
    if present.status != PrincipalStatus::Active {
        return Ok(());
    }
    // From now on the directory says which groups count, not the token of a log-in.
    if let Some(account) = tx.account(&provider.issuer, user).await?
        && !account.of.provisioned
    {
        let mut of = account.of;
        of.provisioned = true;
        tx.change_account(&of).await?;
    }
    let groups = tx.groups_of(user).await?;
    let owner = tx.standing(provider.configured_by).await?;
    let authority =
        owner.is_some_and(|owner| owner.status == PrincipalStatus::Active && owner.level == Some(Level::TenantOwner));
    let mapped = provider
        .mapping
        .of(groups.iter().map(|(_, name)| name.as_str()))
        .filter(|_| authority);
    Ok(apply(tx, proof, provider, user, present, mapped).await?)
}

/// A person at the level of an owner is nobody's to change here: the database says so.
pub(super) fn reached<T>(result: Result<T, StoreError>) -> Result<T, ScimError> {
    match result {
        Err(StoreError::Forbidden) => Err(ScimError::OutOfReach),
        other => Ok(other?),
    }
}
