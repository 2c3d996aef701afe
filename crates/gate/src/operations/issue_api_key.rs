//! A new API key, with the service that acts through it.
use std::time::Duration;

use keepgate_identity::{ApiKey, ApiKeys, IpNet, LONGEST_LIFE, NewApiKey, NewPrincipal, Phc, Principals};
use keepgate_kernel::{Action, Entity, KeyId, Level, PrincipalId, Timestamp, UnitId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, GrantDenied, Target, grant, permissions, reach};
use keepgate_rbac::{Roles, Units};
use keepgate_store::{StoreError, Transaction};

use super::unit::{UnitError, is_name, unit_for};

/// How long a key lives of which nothing else is said: 90 days.
pub const KEY_LIFE: Duration = Duration::from_hours(90 * 24);

/// The kind of the refusal after which another id has to be tried.
pub const HANDLE_TAKEN: &str = "handle-taken";

/// When a key ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// After [`KEY_LIFE`].
    Standard,
    /// Then: within a year and a day, unless an owner says so.
    At(Timestamp),
    /// Never by itself: for owners only.
    Never,
}

/// Makes a service with a level below the caller's, and a key for it. The caller owns the key: its live level bounds it.
#[derive(Debug, Clone)]
pub struct IssueApiKey {
    /// The service, of kind `service`.
    pub service: PrincipalId,
    /// What people call key and service: 1 to 200 characters, none of them a control character.
    pub name: String,
    /// The service's level.
    pub level: Level,
    /// The service's unit, for levels 1 to 3; `None`: the tenant's first.
    pub unit: Option<UnitId>,
    /// The actions it is narrowed to ([`keepgate_identity::parse_scopes`]); `None`: all of its level.
    pub scopes: Option<Vec<Action>>,
    /// When it ends.
    pub expiry: Expiry,
    /// Where it may be used from; `None`: anywhere.
    pub allowed_cidrs: Option<Vec<IpNet>>,
    /// The key: [`keepgate_identity::ApiKeyFormat::mint`], made before the transaction.
    pub key: ApiKey,
    /// The verifier of its secret, made before the transaction.
    pub phc: Phc,
}

/// The key, to be shown this once.
#[derive(Debug, Clone)]
pub struct ApiKeyIssued {
    /// Its id.
    pub id: KeyId,
    /// The key.
    pub key: ApiKey,
    /// When it ends; `None`: never by itself.
    pub expires_at: Option<Timestamp>,
}

/// Why no key was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueApiKeyError {
    /// The name is empty, too long, or holds control characters.
    #[error("a key's name has 1 to 200 characters and no control characters")]
    InvalidName,
    /// It would have ended before it began.
    #[error("the key would have expired already")]
    ExpiryInThePast,
    /// Somebody below level 5 asked for a key without an end, or with one too far away.
    #[error("a key ends within 366 days, unless the tenant's owner says otherwise")]
    ExpiryTooFar,
    /// The unit does not go with the level.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// Another key has the same handle: a key with another id has another.
    #[error("the key's name is taken; ask again")]
    HandleTaken,
    /// The caller may not give that level.
    #[error(transparent)]
    Denied(#[from] GrantDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for IssueApiKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidName => ErrorKind::Refused("invalid-name"),
            Self::ExpiryInThePast => ErrorKind::Refused("expiry-in-the-past"),
            Self::ExpiryTooFar => ErrorKind::Refused("expiry-too-far"),
            Self::Unit(error) => error.kind(),
            Self::HandleTaken => ErrorKind::Refused(HANDLE_TAKEN),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx> Command<Tx> for IssueApiKey
where
    Tx: Transaction + Principals + ApiKeys + Roles + Units + ?Sized,
{
    type Permission = permissions::ApiKeyIssue;
    type Output = ApiKeyIssued;
    type Error = IssueApiKeyError;

    fn entity(&self) -> Entity {
        self.key.id().into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<ApiKeyIssued, IssueApiKeyError> {
        if !is_name(&self.name) {
            return Err(IssueApiKeyError::InvalidName);
        }
        let expires_at = self.expiry.from(tx.context().at(), proof.level())?;
        let given = grant(
            proof,
            Target {
                principal: self.service,
                tenant: proof.tenant(),
                present: None,
            },
            self.level,
        )?;
        let unit = unit_for(tx, self.level, self.unit).await?;
        let service = NewPrincipal {
            id: self.service,
            tenant: proof.tenant(),
            email: None,
            display_name: Some(self.name.clone()),
        };
        if !tx.add_principal(&service).await? {
            return Err(StoreError::Conflict.into());
        }
        tx.assign(given, unit).await?;
        let placed = Target {
            principal: self.service,
            tenant: proof.tenant(),
            present: Some(self.level),
        };
        if !tx.add_api_key(&reach(proof, placed)?, &self.record(expires_at)).await? {
            return Err(IssueApiKeyError::HandleTaken);
        }
        Ok(ApiKeyIssued {
            expires_at,
            id: self.key.id(),
            key: self.key.clone(),
        })
    }
}

impl Expiry {
    /// When a key ends that somebody of `level` issues now.
    pub(super) fn from(self, now: Timestamp, level: Option<Level>) -> Result<Option<Timestamp>, IssueApiKeyError> {
        let owner = level == Some(Level::TenantOwner);
        match self {
            Self::Standard => Ok(Some(now + KEY_LIFE)),
            Self::At(end) if end <= now => Err(IssueApiKeyError::ExpiryInThePast),
            Self::At(end) if owner || end <= now + LONGEST_LIFE => Ok(Some(end)),
            Self::Never if owner => Ok(None),
            Self::At(_) | Self::Never => Err(IssueApiKeyError::ExpiryTooFar),
        }
    }
}

impl IssueApiKey {
    fn record(&self, expires_at: Option<Timestamp>) -> NewApiKey {
        NewApiKey {
            id: self.key.id(),
            service: self.service,
            name: self.name.clone(),
            phc: self.phc.clone(),
            scopes: self.scopes.clone(),
            expires_at,
            allowed_cidrs: self.allowed_cidrs.clone(),
        }
    }
}
