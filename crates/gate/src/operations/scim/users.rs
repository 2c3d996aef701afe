//! Users of a directory.
use keepgate_identity::{DirectoryUsers, NewPrincipal, PrincipalStatus, Principals};
use keepgate_kernel::{Entity, PrincipalId, Timestamp, Uuid};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_rbac::Units;
use keepgate_sso::{
    Account, NewAccount, Provider,
    ports::{Accounts, DirectoryGroups, Providers, ScimTokens},
    scim::{Directory, Filter, PatchRequest, UserDraft},
};
use keepgate_store::{StoreError, Transaction};

use super::{
    ScimError,
    settle::{entered, reached, settle},
};
use crate::operations::sso::login::address;

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

/// A page of users.
#[derive(Debug, Clone)]
pub struct FoundUsers {
    /// How many there are in all.
    pub total: u64,
    /// Those of the page.
    pub users: Vec<ScimUser>,
}

async fn view<Tx: UsersTx + ?Sized>(tx: &mut Tx, account: Account) -> Result<ScimUser, ScimError> {
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

async fn find<Tx: UsersTx + ?Sized>(tx: &mut Tx, provider: &Provider, id: PrincipalId) -> Result<ScimUser, ScimError> {
    let account = tx.account(&provider.issuer, id).await?.ok_or(ScimError::NotFound)?;
    view(tx, account).await
}

fn account(provider: &Provider, id: PrincipalId, draft: &UserDraft) -> NewAccount {
    NewAccount {
        principal: id,
        issuer: provider.issuer.clone(),
        subject: draft.external_id.clone(),
        user_name: draft.user_name.clone(),
        external_id: draft.external_id.clone(),
        provisioned: true,
    }
}

/// Lists users, or finds one.
#[derive(Debug, Clone)]
pub struct ListScimUsers {
    /// Who asks.
    pub directory: Directory,
    /// Which.
    pub filter: Option<Filter>,
    /// How many to leave out.
    pub skip: u32,
    /// How many to show.
    pub limit: u32,
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for ListScimUsers {
    type Permission = permissions::ScimRead;
    type Output = FoundUsers;
    type Error = ScimError;

    fn entity(&self) -> Entity {
        Entity::collection("scim-users")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<FoundUsers, ScimError> {
        let provider = entered(tx, &self.directory).await?;
        let page = tx.accounts(&provider.issuer, self.filter.as_ref(), self.skip, self.limit);
        let (total, accounts) = page.await?;
        let mut users = Vec::new();
        for account in accounts {
            users.push(view(tx, account).await?);
        }
        Ok(FoundUsers { total, users })
    }
}

/// One user.
#[derive(Debug, Clone)]
pub struct GetScimUser {
    /// Who asks.
    pub directory: Directory,
    /// Which.
    pub id: PrincipalId,
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for GetScimUser {
    type Permission = permissions::ScimRead;
    type Output = ScimUser;
    type Error = ScimError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<ScimUser, ScimError> {
        let provider = entered(tx, &self.directory).await?;
        find(tx, &provider, self.id).await
    }
}

/// Makes a user. An address that is somebody's here already is refused: nobody is taken over.
#[derive(Debug, Clone)]
pub struct CreateScimUser {
    /// Who asks.
    pub directory: Directory,
    /// The user's id.
    pub id: PrincipalId,
    /// What it is.
    pub draft: UserDraft,
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for CreateScimUser {
    type Permission = permissions::ScimProvision;
    type Output = ScimUser;
    type Error = ScimError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<ScimUser, ScimError> {
        let provider = entered(tx, &self.directory).await?;
        let new = NewPrincipal {
            id: self.id,
            tenant: proof.tenant(),
            email: Some(address(Some(&self.draft.user_name), self.id)?),
            display_name: self.draft.display_name.clone(),
        };
        if !tx.add_directory_user(&new).await? || !tx.add_account(&account(&provider, self.id, &self.draft)).await? {
            return Err(ScimError::Taken);
        }
        if !self.draft.active {
            reached(tx.set_directory_user_active(self.id, false).await)?;
        }
        settle(tx, proof, &provider, self.id).await?;
        find(tx, &provider, self.id).await
    }
}

/// What becomes of a user.
#[derive(Debug, Clone)]
pub enum UserChange {
    /// It is replaced (PUT).
    Replace(UserDraft),
    /// It is changed here and there (PATCH).
    Patch(PatchRequest),
}

/// Changes a user. Whoever is no longer active has no session and no key from the commit on.
#[derive(Debug, Clone)]
pub struct ChangeScimUser {
    /// Who asks.
    pub directory: Directory,
    /// Which.
    pub id: PrincipalId,
    /// How.
    pub change: UserChange,
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for ChangeScimUser {
    type Permission = permissions::ScimProvision;
    type Output = ScimUser;
    type Error = ScimError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<ScimUser, ScimError> {
        let provider = entered(tx, &self.directory).await?;
        let before = find(tx, &provider, self.id).await?.draft;
        let mut draft = before.clone();
        match &self.change {
            UserChange::Replace(wanted) => draft = wanted.clone(),
            UserChange::Patch(request) => request.apply_to_user(&mut draft)?,
        }
        if !tx.change_account(&account(&provider, self.id, &draft)).await? {
            return Err(ScimError::Taken);
        }
        if (&before.user_name, &before.display_name) != (&draft.user_name, &draft.display_name) {
            let email = address(Some(&draft.user_name), self.id)?;
            let renamed = tx.rename_directory_user(self.id, &email, draft.display_name.as_deref());
            if !reached(renamed.await)? {
                return Err(ScimError::Taken);
            }
        }
        if before.active != draft.active {
            reached(tx.set_directory_user_active(self.id, draft.active).await)?;
        }
        settle(tx, proof, &provider, self.id).await?;
        find(tx, &provider, self.id).await
    }
}

/// Removes a user for good: sessions, keys and level end, the address is free.
#[derive(Debug, Clone)]
pub struct DeleteScimUser {
    /// Who asks.
    pub directory: Directory,
    /// Which.
    pub id: PrincipalId,
}

impl<Tx: UsersTx + ?Sized> Command<Tx> for DeleteScimUser {
    type Permission = permissions::ScimProvision;
    type Output = ();
    type Error = ScimError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), ScimError> {
        let provider = entered(tx, &self.directory).await?;
        if tx.account(&provider.issuer, self.id).await?.is_none() {
            return Err(ScimError::NotFound);
        }
        if !reached(tx.delete_directory_user(self.id).await)? || !tx.remove_account(&provider.issuer, self.id).await? {
            return Err(StoreError::Conflict.into());
        }
        Ok(())
    }
}
