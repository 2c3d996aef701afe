//! One service, and all of them.
use keepgate_identity::{PrincipalRecord, Principals};
use keepgate_kernel::{Entity, PrincipalId, PrincipalKind};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

/// Reads a service of the caller's tenant.
#[derive(Debug, Clone, Copy)]
pub struct GetService {
    /// Which.
    pub id: PrincipalId,
}

/// Why it was not read.
#[derive(Debug, thiserror::Error)]
pub enum GetServiceError {
    /// There is none, or it was deleted.
    #[error("no such service")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for GetServiceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("service-not-found"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Principals + ?Sized> Command<Tx> for GetService {
    type Permission = permissions::ServiceRead;
    type Output = PrincipalRecord;
    type Error = GetServiceError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(
        &self,
        _proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<PrincipalRecord, GetServiceError> {
        super::service(tx, self.id).await?.ok_or(GetServiceError::NotFound)
    }
}

/// Lists the services of the caller's tenant in the order they were made, deleted ones left out.
#[derive(Debug, Clone, Copy)]
pub struct ListServices {
    /// The last one of the page before.
    pub after: Option<PrincipalId>,
    /// How many at most.
    pub limit: u32,
}

impl<Tx: Principals + ?Sized> Command<Tx> for ListServices {
    type Permission = permissions::ServiceList;
    type Output = Vec<PrincipalRecord>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("services")
    }

    async fn run(
        &self,
        _proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<Vec<PrincipalRecord>, StoreError> {
        tx.principals(PrincipalKind::Service, self.after, self.limit).await
    }
}
