//! One user.
use keepgate_identity::{PrincipalRecord, PrincipalStatus, Principals};
use keepgate_kernel::{Entity, PrincipalId, PrincipalKind};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

/// Reads a user of the caller's tenant.
#[derive(Debug, Clone, Copy)]
pub struct GetUser {
    /// Which.
    pub id: PrincipalId,
}

/// Why it was not read.
#[derive(Debug, thiserror::Error)]
pub enum GetUserError {
    /// There is none, or it was deleted.
    #[error("no such user")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for GetUserError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("user-not-found"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Principals + ?Sized> Command<Tx> for GetUser {
    type Permission = permissions::UserRead;
    type Output = PrincipalRecord;
    type Error = GetUserError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<PrincipalRecord, GetUserError> {
        user(tx, self.id).await?.ok_or(GetUserError::NotFound)
    }
}

/// A user who is not deleted.
pub(super) async fn user<Tx: Principals + ?Sized>(
    tx: &mut Tx,
    id: PrincipalId,
) -> Result<Option<PrincipalRecord>, StoreError> {
    if id.kind() != PrincipalKind::User {
        return Ok(None);
    }
    Ok(tx
        .principal(id)
        .await?
        .filter(|user| user.status != PrincipalStatus::Deleted))
}
