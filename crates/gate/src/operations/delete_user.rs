//! The end of a user.
use keepgate_identity::{ApiKeys, Principals};
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, GrantDenied, Target, permissions, reach};
use keepgate_rbac::Roles;
use keepgate_store::StoreError;

use super::get_user::user;

/// Deletes a user for good: sessions and owned API keys end, the level is taken away, the address is free. What the user did stays
/// in the audit log under the id.
#[derive(Debug, Clone, Copy)]
pub struct DeleteUser {
    /// Which.
    pub id: PrincipalId,
}

/// Why it was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum DeleteUserError {
    /// There is none, or it was deleted before.
    #[error("no such user")]
    NotFound,
    /// The caller may not do that to this user.
    #[error(transparent)]
    Denied(#[from] GrantDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for DeleteUserError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("user-not-found"),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Principals + ApiKeys + Roles + ?Sized> Command<Tx> for DeleteUser {
    type Permission = permissions::UserDelete;
    type Output = ();
    type Error = DeleteUserError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), DeleteUserError> {
        let present = user(tx, self.id).await?.ok_or(DeleteUserError::NotFound)?;
        let reached = reach(
            proof,
            Target {
                principal: self.id,
                tenant: proof.tenant(),
                present: present.level,
            },
        )?;
        if !tx.delete_principal(&reached).await? {
            return Err(DeleteUserError::NotFound);
        }
        tx.revoke_role(&reached).await?;
        tx.revoke_api_keys_of(&reached).await?;
        Ok(())
    }
}
