//! A service's name, level, unit and status.
use keepgate_identity::{PrincipalRecord, Principals};
use keepgate_kernel::{Entity, Level, PrincipalId, UnitId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, GrantDenied, Target, grant, permissions, reach};
use keepgate_rbac::{Roles, Units};
use keepgate_store::{StoreError, Transaction};

use super::super::unit::{UnitError, is_name, unit_for};

/// Changes what is `Some`. A new level binds the service's keys at once; a disabled service's keys open nothing until it is active
/// again.
#[derive(Debug, Clone)]
pub struct UpdateService {
    /// Which.
    pub id: PrincipalId,
    /// The new name: 1 to 200 characters, none of them a control character.
    pub name: Option<String>,
    /// The new level.
    pub level: Option<Level>,
    /// The new unit, for levels 1 to 3.
    pub unit: Option<UnitId>,
    /// Whether it may act.
    pub active: Option<bool>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateServiceError {
    /// There is none, or it was deleted.
    #[error("no such service")]
    NotFound,
    /// The request asks for no change.
    #[error("nothing to change")]
    Nothing,
    /// The name is empty, too long, or holds control characters.
    #[error("a service's name has 1 to 200 characters and no control characters")]
    InvalidName,
    /// The unit does not go with the level.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// The caller may not do that to this service.
    #[error(transparent)]
    Denied(#[from] GrantDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for UpdateServiceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("service-not-found"),
            Self::Nothing => ErrorKind::Refused("nothing-to-change"),
            Self::InvalidName => ErrorKind::Refused("invalid-name"),
            Self::Unit(error) => error.kind(),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx> Command<Tx> for UpdateService
where
    Tx: Transaction + Principals + Roles + Units + ?Sized,
{
    type Permission = permissions::ServiceUpdate;
    type Output = PrincipalRecord;
    type Error = UpdateServiceError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(
        &self,
        proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<PrincipalRecord, UpdateServiceError> {
        if self.name.is_none() && self.level.is_none() && self.unit.is_none() && self.active.is_none() {
            return Err(UpdateServiceError::Nothing);
        }
        if self.name.as_deref().is_some_and(|name| !is_name(name)) {
            return Err(UpdateServiceError::InvalidName);
        }
        let present = super::service(tx, self.id).await?.ok_or(UpdateServiceError::NotFound)?;
        let target = Target {
            principal: self.id,
            tenant: proof.tenant(),
            present: present.level,
        };
        if self.level.is_some() || self.unit.is_some() {
            let level = self.level.or(present.level).ok_or(UpdateServiceError::NotFound)?;
            let given = grant(proof, target, level)?;
            let unit = unit_for(tx, level, self.unit.or(present.unit.filter(|_| level.needs_unit()))).await?;
            tx.assign(given, unit).await?;
        }
        if let Some(name) = &self.name
            && !tx.rename_principal(&reach(proof, target)?, name).await?
        {
            return Err(UpdateServiceError::NotFound);
        }
        if let Some(active) = self.active
            && !tx.set_principal_active(&reach(proof, target)?, active).await?
        {
            return Err(UpdateServiceError::NotFound);
        }
        super::service(tx, self.id).await?.ok_or(UpdateServiceError::NotFound)
    }
}
