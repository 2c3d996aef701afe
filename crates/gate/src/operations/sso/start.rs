//! The beginning of a log-in through a provider.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_sso::{PendingLogin, ports::Logins};
use keepgate_store::StoreError;

/// Puts a log-in on record, or says in the log why none began. [`crate::SsoDesk`] makes it.
#[derive(Debug)]
pub struct StartSso {
    entity: Entity,
    begun: Result<PendingLogin, Refusal>,
}

#[derive(Debug, Clone, Copy)]
enum Refusal {
    NotFound,
    Unavailable,
}

/// Why no log-in began.
#[derive(Debug, thiserror::Error)]
pub enum StartSsoError {
    /// There is no such provider, or no such tenant: nobody learns which.
    #[error("no such provider")]
    NotFound,
    /// The provider does not answer as it should.
    #[error("the identity provider does not answer as it should")]
    Unavailable,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for StartSsoError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("provider-not-found"),
            Self::Unavailable => ErrorKind::Refused("identity-provider-unavailable"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl StartSso {
    pub(crate) fn begun(login: PendingLogin) -> Self {
        Self {
            entity: login.provider.entity(),
            begun: Ok(login),
        }
    }

    pub(crate) const fn not_found(entity: Entity) -> Self {
        Self {
            entity,
            begun: Err(Refusal::NotFound),
        }
    }

    pub(crate) const fn unavailable(entity: Entity) -> Self {
        Self {
            entity,
            begun: Err(Refusal::Unavailable),
        }
    }
}

impl<Tx: Logins + ?Sized> Command<Tx> for StartSso {
    type Permission = permissions::AuthSso;
    type Output = ();
    type Error = StartSsoError;

    fn entity(&self) -> Entity {
        self.entity.clone()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), StartSsoError> {
        match &self.begun {
            Ok(login) => Ok(tx.open_login(login).await?),
            Err(Refusal::NotFound) => Err(StartSsoError::NotFound),
            Err(Refusal::Unavailable) => Err(StartSsoError::Unavailable),
        }
    }
}
