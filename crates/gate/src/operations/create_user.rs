//! A new user, who enters with a one-time code.
use std::time::Duration;

use keepgate_identity::{Email, EnrolmentCode, Enrolments, NewEnrolment, NewPrincipal, NoRandomness, Principals};
use keepgate_kernel::{EnrolmentId, Entity, Hat, Level, PrincipalId, PrincipalKind, TenantId, Timestamp, UnitId};
use keepgate_policy::{
    ApprovalDenied, Authorized, Candidate, Command, CommandError, ErrorKind, GrantDenied, GrantProof, Matter, Target,
    appoint, grant, permissions, reach,
};
use keepgate_rbac::{Approvals, Roles, Tenants, Units};
use keepgate_store::{StoreError, Transaction};

use super::{
    consent::consent,
    unit::{UnitError, is_name, unit_for},
};

/// How long an enrolment code is good: 24 hours.
pub const ENROLMENT_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Creates a user with a level below the caller's. Level 7 may name another tenant, and appoints owners there; a new level 7 uses
/// up an approval by two of its kind.
#[derive(Debug, Clone)]
pub struct CreateUser {
    /// The user's id, of kind `user`.
    pub id: PrincipalId,
    /// The address to log in with, unique within the tenant.
    pub email: Email,
    /// What people call the user: 1 to 200 characters, none of them a control character.
    pub display_name: Option<String>,
    /// The level.
    pub level: Level,
    /// The unit, for levels 1 to 3; `None`: the tenant's first.
    pub unit: Option<UnitId>,
    /// The hat it wears.
    pub hat: Option<Hat>,
    /// The tenant; `None`: the caller's.
    pub tenant: Option<TenantId>,
    /// The id of the enrolment.
    pub enrolment: EnrolmentId,
    /// The code, made before the transaction.
    pub code: EnrolmentCode,
}

/// The user, and the code to be shown this once.
#[derive(Debug, Clone)]
pub struct UserCreated {
    /// The user.
    pub id: PrincipalId,
    /// The code.
    pub code: EnrolmentCode,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// Why no user was created.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// Another user of the tenant has that address.
    #[error("another user has that e-mail address")]
    EmailTaken,
    /// The display name is empty, too long, or holds control characters.
    #[error("a display name has 1 to 200 characters and no control characters")]
    InvalidName,
    /// There is no such tenant.
    #[error("no such tenant")]
    TenantNotFound,
    /// The unit does not go with the level.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// The caller may not give that level.
    #[error(transparent)]
    Denied(#[from] GrantDenied),
    /// Two people have not agreed on it.
    #[error(transparent)]
    Unapproved(#[from] ApprovalDenied),
    /// A global admin wears no hat.
    #[error("a global admin wears no hat")]
    HatOnGlobal,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for CreateUserError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::EmailTaken => ErrorKind::Refused("email-taken"),
            Self::InvalidName => ErrorKind::Refused("invalid-name"),
            Self::TenantNotFound => ErrorKind::Refused("tenant-not-found"),
            Self::Unit(error) => error.kind(),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Unapproved(denied) => ErrorKind::Refused(denied.reason()),
            Self::HatOnGlobal => ErrorKind::Refused("hat-not-allowed"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl CreateUser {
    /// A user of the caller's tenant, with fresh ids and code.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new(email: Email, level: Level, at: Timestamp) -> Result<Self, NoRandomness> {
        Ok(Self {
            id: PrincipalId::new(PrincipalKind::User, at),
            email,
            display_name: None,
            level,
            unit: None,
            hat: None,
            tenant: None,
            enrolment: EnrolmentId::new(at),
            code: EnrolmentCode::random()?,
        })
    }
}

impl<Tx> Command<Tx> for CreateUser
where
    Tx: Transaction + Approvals + Principals + Enrolments + Roles + Tenants + Units + ?Sized,
{
    type Permission = permissions::UserCreate;
    type Output = UserCreated;
    type Error = CreateUserError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<UserCreated, CreateUserError> {
        if self.display_name.as_deref().is_some_and(|name| !is_name(name)) {
            return Err(CreateUserError::InvalidName);
        }
        let tenant = self.tenant.unwrap_or(proof.tenant());
        let target = Target {
            principal: self.id,
            tenant,
            present: None,
        };
        let given = self.given(proof, tx, target).await?;
        if tenant != proof.tenant() && tx.tenant(tenant).await?.is_none() {
            return Err(CreateUserError::TenantNotFound);
        }
        let unit = unit_for(tx, self.level, self.unit).await?;
        let (email, display_name) = (Some(self.email.clone()), self.display_name.clone());
        if !tx
            .add_principal(&NewPrincipal {
                id: self.id,
                tenant,
                email,
                display_name,
            })
            .await?
        {
            return Err(CreateUserError::EmailTaken);
        }
        let approval = given.approval();
        tx.assign(given, unit).await?;
        if self.hat.is_some() {
            let target = Target {
                present: Some(self.level),
                ..target
            };
            tx.wear(&reach(proof, target)?, self.hat).await?;
        }
        let expires_at = tx.context().at() + ENROLMENT_LIFE;
        let enrolment = NewEnrolment {
            id: self.enrolment,
            tenant,
            principal: self.id,
            hash: self.code.hash(),
            expires_at,
        };
        match approval {
            None => tx.add_enrolment(&enrolment).await?,
            Some(approval) => tx.add_approved_enrolment(&enrolment, approval).await?,
        }
        Ok(UserCreated {
            id: self.id,
            code: self.code.clone(),
            expires_at,
        })
    }
}

impl CreateUser {
    /// The proof for the level: by oneself for lower ones, by two for level 7.
    async fn given<Tx: Transaction + Approvals + ?Sized>(
        &self,
        proof: &Authorized<permissions::UserCreate>,
        tx: &mut Tx,
        target: Target,
    ) -> Result<GrantProof, CreateUserError> {
        if (self.level, proof.level()) != (Level::GlobalAdmin, Some(Level::GlobalAdmin)) {
            return Ok(grant(proof, target, self.level)?);
        }
        if self.hat.is_some() {
            return Err(CreateUserError::HatOnGlobal);
        }
        let matter = Matter::GrantGlobal(Candidate::Address(self.email.as_str().to_owned()));
        let agreed = consent(proof, tx, &matter).await??;
        Ok(appoint(proof, target, agreed)?)
    }
}
