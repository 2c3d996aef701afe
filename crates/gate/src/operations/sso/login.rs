//! Logging in through a provider.
use keepgate_identity::{
    Demand, DirectoryUsers, Email, LoggedIn, NewPrincipal, NewSession, PrincipalStatus, SESSION_LIFE, SecondFactors,
    Sessions,
};
use keepgate_kernel::{Entity, PrincipalId, SessionId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, Factors, permissions};
use keepgate_rbac::Units;
use keepgate_sso::{
    Account, Mapped, NewAccount, Provider, ProviderName,
    oidc::{Factor, Verified},
    ports::{Accounts, DirectoryGroups, Providers},
};
use keepgate_store::{StoreError, Transaction};

use super::mapped::{MappedError, apply};

/// Opens a session for whom a provider vouches for, with the level its groups stand for now. [`crate::SsoDesk`] makes it, and names
/// the worker it runs as; failed attempts are commands too, so that the audit log tells them.
///
/// Who it is, is (issuer, subject). An address that happens to be somebody's here links nothing.
#[derive(Debug)]
pub struct SsoLogin {
    session: SessionId,
    newcomer: PrincipalId,
    attempt: Attempt,
}

#[derive(Debug)]
enum Attempt {
    Verified {
        provider: ProviderName,
        identity: Box<Verified>,
    },
    Refused {
        entity: Entity,
        reason: &'static str,
    },
    Unavailable {
        entity: Entity,
    },
}

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub enum SsoLoginError {
    /// The answer that came back is not believed; the word says why.
    #[error("the log-in was refused")]
    Refused(&'static str),
    /// The provider does not answer as it should.
    #[error("the identity provider does not answer as it should")]
    Unavailable,
    /// The provider was changed or removed meanwhile.
    #[error("no such provider")]
    ProviderGone,
    /// The provider knows the person, the tenant does not, and nobody is let in unasked.
    #[error("there is no account for this person")]
    NoAccount,
    /// None of the person's groups stands for a level.
    #[error("no group of this person gives access")]
    NoGroup,
    /// The account may not be used.
    #[error("the account is disabled")]
    Disabled,
    /// Somebody else has the address: an account is never taken over by it.
    #[error("another user has that e-mail address")]
    EmailTaken,
    /// The account is somebody's already, or the person has one: nothing is linked twice.
    #[error("the account is linked already")]
    AccountTaken,
    /// No directory reaches this person.
    #[error("nobody of this level is linked")]
    OutOfReach,
    /// What the groups stand for can't be given.
    #[error(transparent)]
    Mapped(#[from] MappedError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for SsoLoginError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(reason) => ErrorKind::Refused(reason),
            Self::Unavailable => ErrorKind::Refused("identity-provider-unavailable"),
            Self::ProviderGone => ErrorKind::Refused("provider-not-found"),
            Self::NoAccount => ErrorKind::Refused("no-account"),
            Self::NoGroup => ErrorKind::Refused("no-group"),
            Self::Disabled => ErrorKind::Refused("account-disabled"),
            Self::EmailTaken => ErrorKind::Refused("email-taken"),
            Self::AccountTaken => ErrorKind::Refused("account-taken"),
            Self::OutOfReach => ErrorKind::Refused("out-of-directory-reach"),
            Self::Mapped(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl CommandError for MappedError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unit(error) => error.kind(),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::NoOwner => ErrorKind::Refused("mapping-without-owner"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl SsoLogin {
    pub(crate) fn verified(
        session: SessionId,
        newcomer: PrincipalId,
        provider: ProviderName,
        identity: Verified,
    ) -> Self {
        let identity = Box::new(identity);
        Self {
            session,
            newcomer,
            attempt: Attempt::Verified { provider, identity },
        }
    }

    pub(crate) const fn refused(
        session: SessionId,
        newcomer: PrincipalId,
        entity: Entity,
        reason: &'static str,
    ) -> Self {
        Self {
            session,
            newcomer,
            attempt: Attempt::Refused { entity, reason },
        }
    }

    pub(crate) const fn unavailable(session: SessionId, newcomer: PrincipalId, entity: Entity) -> Self {
        Self {
            session,
            newcomer,
            attempt: Attempt::Unavailable { entity },
        }
    }

    /// Somebody new, who has a level to get before anything is made for them.
    async fn join<Tx>(
        &self,
        tx: &mut Tx,
        provider: &Provider,
        identity: &Verified,
        mapped: Option<Mapped>,
    ) -> Result<PrincipalId, SsoLoginError>
    where
        Tx: Transaction + DirectoryUsers + Accounts + ?Sized,
    {
        if !provider.jit {
            return Err(SsoLoginError::NoAccount);
        }
        if mapped.is_none() {
            return Err(SsoLoginError::NoGroup);
        }
        let id = self.newcomer;
        let email = address(identity.email(), id)?;
        let name = identity.name().filter(|name| crate::operations::unit::is_name(name));
        let new = NewPrincipal {
            id,
            tenant: tx.context().tenant(),
            email: Some(email),
            display_name: name.map(str::to_owned),
        };
        if !tx.add_directory_user(&new).await? {
            return Err(SsoLoginError::EmailTaken);
        }
        let user_name = identity.email().unwrap_or(identity.subject());
        let account = NewAccount {
            principal: id,
            issuer: identity.issuer().clone(),
            subject: Some(identity.subject().to_owned()),
            user_name: user_name.chars().take(254).collect(),
            external_id: None,
            provisioned: false,
        };
        if tx.add_account(&account).await? {
            Ok(id)
        } else {
            Err(SsoLoginError::EmailTaken)
        }
    }
}

/// An address to reach somebody at; without one, one that nobody can have (RFC 2606).
pub(crate) fn address(email: Option<&str>, id: PrincipalId) -> Result<Email, StoreError> {
    let given = email.and_then(|email| email.parse().ok());
    match given {
        Some(email) => Ok(email),
        None => format!("{id}@directory.invalid")
            .parse()
            .map_err(|_| StoreError::corrupt("rbac.principal", "email")),
    }
}

/// The groups that count: those of the directory for whom it keeps, those of the token for everybody else.
pub(crate) async fn groups<Tx: DirectoryGroups + ?Sized>(
    tx: &mut Tx,
    account: Option<&Account>,
    identity: &Verified,
) -> Result<Vec<String>, StoreError> {
    match account.filter(|account| account.of.provisioned) {
        Some(account) => {
            let groups = tx.groups_of(account.of.principal).await?;
            Ok(groups.into_iter().map(|(_, name)| name).collect())
        }
        None => Ok(identity.groups().to_vec()),
    }
}

impl<Tx> Command<Tx> for SsoLogin
where
    Tx: Transaction
        + Providers
        + Accounts
        + DirectoryGroups
        + DirectoryUsers
        + SecondFactors
        + Sessions
        + Units
        + ?Sized,
{
    type Permission = permissions::AuthSso;
    type Output = LoggedIn;
    type Error = SsoLoginError;

    fn entity(&self) -> Entity {
        match &self.attempt {
            Attempt::Verified { .. } => self.session.into(),
            Attempt::Refused { entity, .. } | Attempt::Unavailable { entity } => entity.clone(),
        }
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<LoggedIn, SsoLoginError> {
        let (name, identity) = match &self.attempt {
            Attempt::Verified { provider, identity } => (provider, identity),
            Attempt::Refused { reason, .. } => return Err(SsoLoginError::Refused(reason)),
            Attempt::Unavailable { .. } => return Err(SsoLoginError::Unavailable),
        };
        let provider = tx.provider(name).await?;
        let provider = provider
            .filter(|provider| provider.issuer == *identity.issuer())
            .ok_or(SsoLoginError::ProviderGone)?;
        let known = tx.account_of_subject(&provider.issuer, identity.subject()).await?;
        let mapped = groups(tx, known.as_ref(), identity).await?;
        let mapped = provider.mapping.of(mapped.iter().map(String::as_str));
        let user = match known {
            Some(account) => account.of.principal,
            None => self.join(tx, &provider, identity, mapped).await?,
        };
        let present = tx.standing(user).await?.ok_or(SsoLoginError::Disabled)?;
        if present.status != PrincipalStatus::Active {
            return Err(SsoLoginError::Disabled);
        }
        let mapped = mapped.ok_or(SsoLoginError::NoGroup)?;
        apply(tx, proof, &provider, user, present, Some(mapped)).await?;
        let demand = tx.mfa_standing(user).await?.ok_or(SsoLoginError::Disabled)?;
        let factors = match (identity.factor(), demand.demand(tx.context().at())) {
            (Factor::Two, _) => Factors::Two,
            (Factor::One, Demand::Nothing) => Factors::One,
            // What is on record here can be proved by a step-up, what is not can be added.
            (Factor::One, Demand::Factor | Demand::Owing | Demand::FactorFirst) => Factors::Owing,
        };
        let new = NewSession {
            factors,
            id: self.session,
            principal: user,
            expires_at: tx.context().at() + SESSION_LIFE,
        };
        match tx.open_session(&new).await {
            Err(StoreError::Forbidden) => Err(SsoLoginError::Disabled),
            other => Ok(other?),
        }
    }
}
