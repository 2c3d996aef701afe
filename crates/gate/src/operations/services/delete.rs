//! The end of a service.
use keepgate_identity::{ApiKeys, Principals};
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, GrantDenied, Target, permissions, reach};
use keepgate_rbac::Roles;
use keepgate_store::StoreError;

/// Deletes a service for good: every key that acts as it ends, its level is taken away. What it did stays in the audit log under the
/// id.
#[derive(Debug, Clone, Copy)]
pub struct DeleteService {
    /// Which.
    pub id: PrincipalId,
}

/// Why it was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteServiceError {
    /// There is none, or it was deleted before.
    #[error("no such service")]
    NotFound,
    /// The caller may not do that to this service.
    #[error(transparent)]
    Denied(#[from] GrantDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for DeleteServiceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("service-not-found"),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Principals + ApiKeys + Roles + ?Sized> Command<Tx> for DeleteService {
    type Permission = permissions::ServiceDelete;
    type Output = ();
    type Error = DeleteServiceError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), DeleteServiceError> {
        let present = super::service(tx, self.id).await?.ok_or(DeleteServiceError::NotFound)?;
        let target = Target {
            principal: self.id,
            tenant: proof.tenant(),
            present: present.level,
        };
        let reached = reach(proof, target)?;
        tx.revoke_api_keys_for(&reached).await?;
        if !tx.delete_principal(&reached).await? {
            return Err(DeleteServiceError::NotFound);
        }
        tx.revoke_role(&reached).await?;
        Ok(())
    }
}
