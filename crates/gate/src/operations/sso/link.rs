//! Linking an account of a provider to oneself.
use keepgate_identity::{MailNotice, Mails};
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_sso::{Linked, PendingLink, ProviderName, oidc::Verified, ports::Links};
use keepgate_store::StoreError;

use super::SsoLoginError;

/// Puts the caller's wish on record, or says in the log why there is none. [`crate::SsoDesk`] makes it.
#[derive(Debug)]
pub struct StartLink {
    entity: Entity,
    begun: Result<PendingLink, Refusal>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Refusal {
    NotFound,
    Unavailable,
}

/// Why nothing began.
#[derive(Debug, thiserror::Error)]
pub enum StartLinkError {
    /// There is none.
    #[error("no such provider")]
    NotFound,
    /// The provider does not answer as it should.
    #[error("the identity provider does not answer as it should")]
    Unavailable,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for StartLinkError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("provider-not-found"),
            Self::Unavailable => ErrorKind::Refused("identity-provider-unavailable"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl StartLink {
    pub(crate) fn begun(link: PendingLink) -> Self {
        let entity = link.login.provider.entity();
        Self {
            entity,
            begun: Ok(link),
        }
    }

    pub(crate) const fn refused(entity: Entity, refusal: Refusal) -> Self {
        Self {
            entity,
            begun: Err(refusal),
        }
    }
}

impl<Tx: Links + ?Sized> Command<Tx> for StartLink {
    type Permission = permissions::SsoLink;
    type Output = ();
    type Error = StartLinkError;

    fn entity(&self) -> Entity {
        self.entity.clone()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), StartLinkError> {
        match &self.begun {
            Ok(link) => Ok(tx.open_link(link).await?),
            Err(Refusal::NotFound) => Err(StartLinkError::NotFound),
            Err(Refusal::Unavailable) => Err(StartLinkError::Unavailable),
        }
    }
}

/// Grants a wish: whom the provider vouches for is from now on the person who wished it, and is told by mail. The person's level is then
/// what the provider's groups stand for, at each log-in through it. [`crate::SsoDesk`] makes it; failed attempts are commands too.
#[derive(Debug)]
pub struct LinkAccount {
    wish: PendingLink,
    attempt: Result<Box<Verified>, Attempt>,
}

#[derive(Debug)]
enum Attempt {
    Refused(&'static str),
    Unavailable,
}

impl LinkAccount {
    pub(crate) fn verified(wish: PendingLink, identity: Verified) -> Self {
        let attempt = Ok(Box::new(identity));
        Self { wish, attempt }
    }

    pub(crate) const fn refused(wish: PendingLink, reason: &'static str) -> Self {
        let attempt = Err(Attempt::Refused(reason));
        Self { wish, attempt }
    }

    pub(crate) const fn unavailable(wish: PendingLink) -> Self {
        let attempt = Err(Attempt::Unavailable);
        Self { wish, attempt }
    }

    pub(crate) const fn principal(&self) -> PrincipalId {
        self.wish.principal
    }
}

impl<Tx: Links + Mails + ?Sized> Command<Tx> for LinkAccount {
    type Permission = permissions::AuthSso;
    type Output = ProviderName;
    type Error = SsoLoginError;

    fn entity(&self) -> Entity {
        self.wish.principal.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<ProviderName, SsoLoginError> {
        let identity = match &self.attempt {
            Ok(identity) => identity,
            Err(Attempt::Refused(reason)) => return Err(SsoLoginError::Refused(reason)),
            Err(Attempt::Unavailable) => return Err(SsoLoginError::Unavailable),
        };
        let (wish, subject) = (&self.wish, identity.subject());
        let user_name: String = identity.email().unwrap_or(subject).chars().take(254).collect();
        match tx.link_account(&wish.login.state, subject, &user_name).await? {
            Linked::Done => {}
            Linked::Gone => return Err(SsoLoginError::Refused("link-over")),
            Linked::OutOfReach => return Err(SsoLoginError::OutOfReach),
            Linked::Taken => return Err(SsoLoginError::AccountTaken),
        }
        tx.notify(wish.principal, MailNotice::ProviderLinked).await?;
        Ok(wish.login.provider.clone())
    }
}
