//! A user's level, unit and status.
use keepgate_identity::{ApiKeys, PrincipalRecord, Principals};
use keepgate_kernel::{Entity, Level, PrincipalId, UnitId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, GrantDenied, Target, grant, permissions, reach};
use keepgate_rbac::{Roles, Units};
use keepgate_store::StoreError;

use super::{
    get_user::user,
    unit::{UnitError, unit_for},
};

/// Changes what is `Some`. A lower level binds the user's sessions at once, a higher one counts from the next log-in. Disabling
/// ends every session and every API key the user owns.
#[derive(Debug, Clone, Copy)]
pub struct UpdateUser {
    /// Which.
    pub id: PrincipalId,
    /// The new level.
    pub level: Option<Level>,
    /// The new unit, for levels 1 to 3.
    pub unit: Option<UnitId>,
    /// Whether the user may act.
    pub active: Option<bool>,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateUserError {
    /// There is none, or it was deleted.
    #[error("no such user")]
    NotFound,
    /// The request asks for no change.
    #[error("nothing to change")]
    Nothing,
    /// The unit does not go with the level.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// The caller may not do that to this user.
    #[error(transparent)]
    Denied(#[from] GrantDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for UpdateUserError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("user-not-found"),
            Self::Nothing => ErrorKind::Refused("nothing-to-change"),
            Self::Unit(error) => error.kind(),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Principals + ApiKeys + Roles + Units + ?Sized> Command<Tx> for UpdateUser {
    type Permission = permissions::UserUpdate;
    type Output = PrincipalRecord;
    type Error = UpdateUserError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<PrincipalRecord, UpdateUserError> {
        if self.level.is_none() && self.unit.is_none() && self.active.is_none() {
            return Err(UpdateUserError::Nothing);
        }
        let present = user(tx, self.id).await?.ok_or(UpdateUserError::NotFound)?;
        let target = Target {
            principal: self.id,
            tenant: proof.tenant(),
            present: present.level,
        };
        if self.level.is_some() || self.unit.is_some() {
            let level = self.level.or(present.level).ok_or(UpdateUserError::NotFound)?;
            let given = grant(proof, target, level)?;
            let unit = unit_for(tx, level, self.unit.or(present.unit.filter(|_| level.needs_unit()))).await?;
            tx.assign(given, unit).await?;
        }
        if let Some(active) = self.active {
            let reached = reach(proof, target)?;
            if !tx.set_principal_active(&reached, active).await? {
                return Err(UpdateUserError::NotFound);
            }
            if !active {
                tx.revoke_api_keys_of(self.id).await?;
            }
        }
        user(tx, self.id).await?.ok_or(UpdateUserError::NotFound)
    }
}
