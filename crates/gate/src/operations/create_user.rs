//! A new user, who enters with a one-time code.
use std::time::Duration;

use keepgate_identity::{Email, EnrolmentCode, Enrolments, NewEnrolment, NewPrincipal, NoRandomness, Principals};
use keepgate_kernel::{EnrolmentId, Entity, Level, PrincipalId, PrincipalKind, TenantId, Timestamp, UnitId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, GrantDenied, Target, grant, permissions};
use keepgate_rbac::{Roles, Tenants, Units};
use keepgate_store::{StoreError, Transaction};

use super::unit::{UnitError, is_name, unit_for};

/// How long an enrolment code is good: 24 hours.
pub const ENROLMENT_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Creates a user with a level below the caller's. Level 7 may name another tenant, and appoints owners there.
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
            tenant: None,
            enrolment: EnrolmentId::new(at),
            code: EnrolmentCode::random()?,
        })
    }
}

impl<Tx> Command<Tx> for CreateUser
where
    Tx: Transaction + Principals + Enrolments + Roles + Tenants + Units + ?Sized,
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
        let given = grant(
            proof,
            Target {
                principal: self.id,
                tenant,
                present: None,
            },
            self.level,
        )?;
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
        tx.assign(given, unit).await?;
        let expires_at = tx.context().at() + ENROLMENT_LIFE;
        let enrolment = NewEnrolment {
            id: self.enrolment,
            tenant,
            principal: self.id,
            hash: self.code.hash(),
            expires_at,
        };
        tx.add_enrolment(&enrolment).await?;
        Ok(UserCreated {
            id: self.id,
            code: self.code.clone(),
            expires_at,
        })
    }
}
