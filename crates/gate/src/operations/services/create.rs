//! A new service.
use keepgate_identity::{NewPrincipal, PrincipalRecord, Principals};
use keepgate_kernel::{Entity, Level, PrincipalId, UnitId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, GrantDenied, Target, grant, permissions};
use keepgate_rbac::{Roles, Units};
use keepgate_store::{StoreError, Transaction};

use super::super::unit::{UnitError, is_name, unit_for};

/// Makes a service with a level below the caller's. It can do nothing until it has a key, and then never more than the key's owner.
#[derive(Debug, Clone)]
pub struct CreateService {
    /// Its id, of kind `service`.
    pub id: PrincipalId,
    /// What people call it: 1 to 200 characters, none of them a control character.
    pub name: String,
    /// Its level.
    pub level: Level,
    /// Its unit, for levels 1 to 3; `None`: the tenant's first.
    pub unit: Option<UnitId>,
}

/// Why no service was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateServiceError {
    /// The name is empty, too long, or holds control characters.
    #[error("a service's name has 1 to 200 characters and no control characters")]
    InvalidName,
    /// The unit does not go with the level.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// The caller may not give that level.
    #[error(transparent)]
    Denied(#[from] GrantDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for CreateServiceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidName => ErrorKind::Refused("invalid-name"),
            Self::Unit(error) => error.kind(),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx> Command<Tx> for CreateService
where
    Tx: Transaction + Principals + Roles + Units + ?Sized,
{
    type Permission = permissions::ServiceCreate;
    type Output = PrincipalRecord;
    type Error = CreateServiceError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(
        &self,
        proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<PrincipalRecord, CreateServiceError> {
        if !is_name(&self.name) {
            return Err(CreateServiceError::InvalidName);
        }
        let target = Target {
            principal: self.id,
            tenant: proof.tenant(),
            present: None,
        };
        let given = grant(proof, target, self.level)?;
        let unit = unit_for(tx, self.level, self.unit).await?;
        let new = NewPrincipal {
            id: self.id,
            tenant: proof.tenant(),
            email: None,
            display_name: Some(self.name.clone()),
        };
        if !tx.add_principal(&new).await? {
            return Err(StoreError::Conflict.into());
        }
        tx.assign(given, unit).await?;
        let made = super::service(tx, self.id).await?;
        made.ok_or(CreateServiceError::Store(StoreError::Conflict))
    }
}
