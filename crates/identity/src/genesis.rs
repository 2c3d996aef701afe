//! The first tenants and principals, once in the life of a store.
//!
//! [`plan`] makes every id, code and key; [`crate::postgres::genesis`] or [`crate::memory::genesis`] writes them; the
//! [`Secrets`] are shown once. Nothing of them but hashes is stored.
use chrono::TimeDelta;
use keepgate_kernel::{EnrolmentId, KeyId, Level, PrincipalId, PrincipalKind, RequestId, TenantId, Timestamp};
use keepgate_store::StoreError;

use crate::{ApiKey, ApiKeyFormat, CodeHash, Email, EnrolmentCode, HashError, Hasher, NoRandomness, Phc};

/// How long the first API key lives: it is there to try the service and to set it up, not to run on.
pub const BOOTSTRAP_LIFE: TimeDelta = TimeDelta::hours(24);

/// The names of the first two people.
#[derive(Debug, Clone)]
pub struct Names {
    /// The first global admin.
    pub admin: Email,
    /// The owner of the first customer tenant, `default`.
    pub owner: Email,
}

impl Names {
    /// `admin@platform.invalid` and `owner@default.invalid`: addresses no mail ever reaches.
    ///
    /// # Errors
    /// None in practice: both are addresses.
    pub fn standard() -> Result<Self, crate::InvalidEmail> {
        Ok(Self {
            admin: "admin@platform.invalid".parse()?,
            owner: "owner@default.invalid".parse()?,
        })
    }
}

/// One of the first two people.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) tenant: TenantId,
    pub(crate) id: PrincipalId,
    pub(crate) email: Email,
    pub(crate) display_name: &'static str,
    pub(crate) level: Level,
    pub(crate) enrolment: EnrolmentId,
    pub(crate) code: CodeHash,
}

/// What is written: ids and hashes.
#[derive(Debug)]
pub struct Plan {
    pub(crate) people: [Person; 2],
    pub(crate) service: PrincipalId,
    pub(crate) key: KeyId,
    pub(crate) phc: Phc,
    pub(crate) request: RequestId,
    pub(crate) at: Timestamp,
}

impl Plan {
    pub(crate) const fn platform(&self) -> TenantId {
        let [admin, _] = &self.people;
        admin.tenant
    }

    pub(crate) const fn tenant(&self) -> TenantId {
        let [_, owner] = &self.people;
        owner.tenant
    }

    pub(crate) const fn owner(&self) -> PrincipalId {
        let [_, owner] = &self.people;
        owner.id
    }
}

/// What is shown, once.
#[derive(Debug)]
pub struct Secrets {
    /// The platform's tenant.
    pub platform_tenant: TenantId,
    /// The first global admin.
    pub admin: PrincipalId,
    /// The code with which it enters, good for 24 hours.
    pub platform_enrolment: EnrolmentCode,
    /// The first customer tenant.
    pub tenant: TenantId,
    /// Its owner.
    pub owner: PrincipalId,
    /// The code with which it enters, good for 24 hours.
    pub owner_enrolment: EnrolmentCode,
    /// An operator's API key of that tenant, good for 24 hours.
    pub service_key: ApiKey,
}

/// Why there was no genesis.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// There was one before; nothing was changed.
    #[error("the first tenants and principals exist already")]
    AlreadyDone,
    /// No codes or keys could be made.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The key could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The store failed; nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes ids, codes and the first API key.
///
/// # Errors
/// [`GenesisError::Randomness`] and [`GenesisError::Hash`].
pub async fn plan(
    names: Names,
    at: Timestamp,
    keys: &ApiKeyFormat,
    hasher: &Hasher,
) -> Result<(Plan, Secrets), GenesisError> {
    let person = |email, display_name, level| -> Result<(Person, EnrolmentCode), NoRandomness> {
        let code = EnrolmentCode::random()?;
        let (tenant, id) = (TenantId::new(at), PrincipalId::new(PrincipalKind::User, at));
        Ok((
            Person {
                tenant,
                id,
                email,
                display_name,
                level,
                enrolment: EnrolmentId::new(at),
                code: code.hash(),
            },
            code,
        ))
    };
    let (admin, platform_enrolment) = person(names.admin, "Platform administrator", Level::GlobalAdmin)?;
    let (owner, owner_enrolment) = person(names.owner, "Owner", Level::TenantOwner)?;
    let service_key = keys.mint(KeyId::new(at))?;
    let secrets = Secrets {
        platform_tenant: admin.tenant,
        admin: admin.id,
        platform_enrolment,
        tenant: owner.tenant,
        owner: owner.id,
        owner_enrolment,
        service_key,
    };
    let plan = Plan {
        people: [admin, owner],
        service: PrincipalId::new(PrincipalKind::Service, at),
        key: secrets.service_key.id(),
        phc: hasher.hash(secrets.service_key.secret()).await?,
        request: RequestId::new(at),
        at,
    };
    Ok((plan, secrets))
}

/// The second global admin, as written: while fewer than two may act, by the migrator and by nobody else. After that two of them
/// appoint every further one.
#[derive(Debug)]
pub struct SecondPlan {
    pub(crate) id: PrincipalId,
    pub(crate) email: Email,
    pub(crate) enrolment: EnrolmentId,
    pub(crate) code: CodeHash,
    pub(crate) request: RequestId,
    pub(crate) at: Timestamp,
}

/// Why there is no second global admin now.
#[derive(Debug, thiserror::Error)]
pub enum SecondError {
    /// There is no first one.
    #[error("the first tenants and principals do not exist yet")]
    NoGenesis,
    /// Two may act: they appoint the next one together.
    #[error("there are two global admins already")]
    TwoAlready,
    /// Somebody of the platform has that address, and has been here.
    #[error("somebody of the platform has that e-mail address")]
    EmailTaken,
    /// The store failed; nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes ids and code of a second global admin. If one with that address was appointed this way and never came in, it gets the code.
///
/// # Errors
/// [`NoRandomness`].
pub fn second(email: Email, at: Timestamp) -> Result<(SecondPlan, EnrolmentCode), NoRandomness> {
    let code = EnrolmentCode::random()?;
    let plan = SecondPlan {
        id: PrincipalId::new(PrincipalKind::User, at),
        email,
        enrolment: EnrolmentId::new(at),
        code: code.hash(),
        request: RequestId::new(at),
        at,
    };
    Ok((plan, code))
}
