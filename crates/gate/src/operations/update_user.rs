//! A user's level, unit, hat and status.
use keepgate_identity::{ApiKeys, PrincipalRecord, Principals};
use keepgate_kernel::{Entity, Hat, Level, PrincipalId, UnitId};
use keepgate_policy::{
    ApprovalDenied, Authorized, Candidate, Command, CommandError, ErrorKind, GrantDenied, GrantProof, Matter, Target,
    appoint, grant, permissions, reach,
};
use keepgate_rbac::{Approvals, Roles, Units};
use keepgate_store::{StoreError, Transaction};

use super::{
    consent::consent,
    get_user::user,
    unit::{UnitError, unit_for},
};

/// Changes what is `Some`. A lower level binds the user's sessions at once, a higher one counts from the next log-in; level 7
/// uses up an approval by two of its kind. A hat put on or taken off ends every session. Disabling ends every session and every
/// API key the user owns.
#[derive(Debug, Clone, Copy)]
pub struct UpdateUser {
    /// Which.
    pub id: PrincipalId,
    /// The new level.
    pub level: Option<Level>,
    /// The new unit, for levels 1 to 3.
    pub unit: Option<UnitId>,
    /// The new hat; `Some(None)` takes it off.
    pub hat: Option<Option<Hat>>,
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
    /// Two people have not agreed on it.
    #[error(transparent)]
    Unapproved(#[from] ApprovalDenied),
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
            Self::Unapproved(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx> Command<Tx> for UpdateUser
where
    Tx: Transaction + Approvals + Principals + ApiKeys + Roles + Units + ?Sized,
{
    type Permission = permissions::UserUpdate;
    type Output = PrincipalRecord;
    type Error = UpdateUserError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<PrincipalRecord, UpdateUserError> {
        if self.level.is_none() && self.unit.is_none() && self.hat.is_none() && self.active.is_none() {
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
            let given = self.given(proof, tx, target, level).await?;
            let unit = unit_for(tx, level, self.unit.or(present.unit.filter(|_| level.needs_unit()))).await?;
            tx.assign(given, unit).await?;
        }
        if let Some(hat) = self.hat {
            let reached = reach(proof, target)?;
            if !tx.wear(&reached, hat).await? || !tx.end_every_session(&reached).await? {
                return Err(UpdateUserError::NotFound);
            }
        }
        if let Some(active) = self.active {
            let reached = reach(proof, target)?;
            if !tx.set_principal_active(&reached, active).await? {
                return Err(UpdateUserError::NotFound);
            }
            if !active {
                tx.revoke_api_keys_of(&reached).await?;
            }
        }
        user(tx, self.id).await?.ok_or(UpdateUserError::NotFound)
    }
}

impl UpdateUser {
    /// The proof for the level: by oneself for lower ones, by two for level 7.
    async fn given<Tx: Transaction + Approvals + ?Sized>(
        &self,
        proof: &Authorized<permissions::UserUpdate>,
        tx: &mut Tx,
        target: Target,
        level: Level,
    ) -> Result<GrantProof, UpdateUserError> {
        let by_two = (level, proof.level()) == (Level::GlobalAdmin, Some(Level::GlobalAdmin));
        if !by_two || target.principal == proof.by() || target.present == Some(Level::GlobalAdmin) {
            return Ok(grant(proof, target, level)?);
        }
        let agreed = consent(proof, tx, &Matter::GrantGlobal(Candidate::User(self.id))).await??;
        Ok(appoint(proof, target, agreed)?)
    }
}
