//! A further API key for a service that is there.
use keepgate_identity::{ApiKey, ApiKeys, IpNet, NewApiKey, Phc, PrincipalStatus, Principals};
use keepgate_kernel::{Action, Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, Target, permissions, reach};
use keepgate_store::{StoreError, Transaction};

use super::{
    issue_api_key::{ApiKeyIssued, Expiry, IssueApiKeyError},
    services::service,
    unit::is_name,
};

/// Makes a key for a service below the caller, who owns the key: the lower of the service's level and the one below the owner's is
/// what it is worth, live.
#[derive(Debug, Clone)]
pub struct IssueServiceKey {
    /// The service.
    pub service: PrincipalId,
    /// What people call the key: 1 to 200 characters, none of them a control character.
    pub name: String,
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

/// Why no key was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueServiceKeyError {
    /// There is no such service, or it was deleted.
    #[error("no such service")]
    ServiceNotFound,
    /// It is disabled.
    #[error("the service is disabled")]
    Disabled,
    /// As for a key with a service of its own.
    #[error(transparent)]
    Issue(#[from] IssueApiKeyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for IssueServiceKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ServiceNotFound => ErrorKind::Refused("service-not-found"),
            Self::Disabled => ErrorKind::Refused("service-disabled"),
            Self::Issue(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Principals + ApiKeys + ?Sized> Command<Tx> for IssueServiceKey {
    type Permission = permissions::ApiKeyIssue;
    type Output = ApiKeyIssued;
    type Error = IssueServiceKeyError;

    fn entity(&self) -> Entity {
        self.key.id().into()
    }

    async fn run(
        &self,
        proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<ApiKeyIssued, IssueServiceKeyError> {
        if !is_name(&self.name) {
            return Err(IssueApiKeyError::InvalidName.into());
        }
        let expires_at = self.expiry.from(tx.context().at(), proof.level())?;
        let present = service(tx, self.service)
            .await?
            .ok_or(IssueServiceKeyError::ServiceNotFound)?;
        let target = Target {
            principal: self.service,
            tenant: proof.tenant(),
            present: present.level,
        };
        let reached = reach(proof, target).map_err(IssueApiKeyError::Denied)?;
        if present.status != PrincipalStatus::Active {
            return Err(IssueServiceKeyError::Disabled);
        }
        let new = NewApiKey {
            id: self.key.id(),
            service: self.service,
            name: self.name.clone(),
            phc: self.phc.clone(),
            scopes: self.scopes.clone(),
            expires_at,
            allowed_cidrs: self.allowed_cidrs.clone(),
        };
        if !tx.add_api_key(&reached, &new).await? {
            return Err(IssueApiKeyError::HandleTaken.into());
        }
        Ok(ApiKeyIssued {
            id: self.key.id(),
            key: self.key.clone(),
            expires_at,
        })
    }
}
