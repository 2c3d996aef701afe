//! The tokens of directories.
use keepgate_identity::{NewPrincipal, Principals};
use keepgate_kernel::{Entity, PrincipalId, Timestamp, Uuid};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_sso::{
    ProviderName,
    ports::{Providers, ScimTokens},
    scim::{NewScimToken, ScimTokenRecord},
};
use keepgate_store::{StoreError, Transaction};

use crate::operations::unit::is_name;

/// Issues a token. A service without a level is made for it: the actor in the log of everything the directory does.
#[derive(Debug, Clone)]
pub struct IssueScimToken {
    /// The token's id.
    pub id: Uuid,
    /// The service's id.
    pub actor: PrincipalId,
    /// What people call it: 1 to 200 characters.
    pub name: String,
    /// Whose mapping its groups follow; `None`: the tenant's only provider.
    pub provider: Option<ProviderName>,
    /// What is put on record of the token.
    pub hash: [u8; 32],
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// Why no token was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueScimTokenError {
    /// Not a name.
    #[error("a name has 1 to 200 characters and no control characters")]
    InvalidName,
    /// It would be dead at birth.
    #[error("the end lies in the past")]
    ExpiryInThePast,
    /// There is no such provider, or not exactly one.
    #[error("name one of the tenant's identity providers")]
    Provider,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for IssueScimTokenError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidName => ErrorKind::Refused("invalid-name"),
            Self::ExpiryInThePast => ErrorKind::Refused("expiry-in-the-past"),
            Self::Provider => ErrorKind::Refused("provider-needed"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx> Command<Tx> for IssueScimToken
where
    Tx: Transaction + Principals + Providers + ScimTokens + ?Sized,
{
    type Permission = permissions::ScimTokenIssue;
    type Output = ProviderName;
    type Error = IssueScimTokenError;

    fn entity(&self) -> Entity {
        self.actor.into()
    }

    async fn run(
        &self,
        proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<ProviderName, IssueScimTokenError> {
        if !is_name(&self.name) {
            return Err(IssueScimTokenError::InvalidName);
        }
        if self.expires_at.is_some_and(|end| end <= tx.context().at()) {
            return Err(IssueScimTokenError::ExpiryInThePast);
        }
        let mut known = tx.providers().await?.into_iter().map(|provider| provider.name);
        let provider = match &self.provider {
            Some(wanted) => known.find(|name| name == wanted),
            None => known.next().filter(|_| known.next().is_none()),
        };
        let provider = provider.ok_or(IssueScimTokenError::Provider)?;
        let service = NewPrincipal {
            id: self.actor,
            tenant: proof.tenant(),
            email: None,
            display_name: Some(self.name.clone()),
        };
        if !tx.add_principal(&service).await? {
            return Err(StoreError::Conflict.into());
        }
        tx.add_scim_token(&NewScimToken {
            id: self.id,
            provider: provider.clone(),
            actor: self.actor,
            name: self.name.clone(),
            hash: self.hash,
            expires_at: self.expires_at,
        })
        .await?;
        Ok(provider)
    }
}

/// The tenant's tokens, the ended ones included, without their secrets.
#[derive(Debug, Clone, Copy)]
pub struct ListScimTokens {
    /// Those after this one.
    pub after: Option<Uuid>,
    /// At most so many.
    pub limit: u32,
}

impl<Tx: ScimTokens + ?Sized> Command<Tx> for ListScimTokens {
    type Permission = permissions::SsoRead;
    type Output = Vec<ScimTokenRecord>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("scim-tokens")
    }

    async fn run(
        &self,
        _proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<Vec<ScimTokenRecord>, StoreError> {
        tx.scim_tokens(self.after, self.limit).await
    }
}

/// Ends a token: the directory's next request is refused.
#[derive(Debug, Clone, Copy)]
pub struct RevokeScimToken {
    /// Which.
    pub id: Uuid,
}

/// Why it was not ended.
#[derive(Debug, thiserror::Error)]
pub enum RevokeScimTokenError {
    /// There is none, or it was ended before.
    #[error("no such token")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RevokeScimTokenError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("scim-token-not-found"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: ScimTokens + ?Sized> Command<Tx> for RevokeScimToken {
    type Permission = permissions::ScimTokenRevoke;
    type Output = ();
    type Error = RevokeScimTokenError;

    fn entity(&self) -> Entity {
        Entity::named("scim-token", &self.id.to_string())
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), RevokeScimTokenError> {
        if tx.revoke_scim_token(self.id).await? {
            Ok(())
        } else {
            Err(RevokeScimTokenError::NotFound)
        }
    }
}
