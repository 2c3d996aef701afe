//! A level that no group stands for any more.
use keepgate_identity::{DirectoryUsers, UserStanding};
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_rbac::Units;
use keepgate_sso::Provider;
use keepgate_store::StoreError;

use super::mapped::{MappedError, apply};

/// Takes the level of somebody who came without a group: sessions opened before are worth nothing from now on.
#[derive(Debug, Clone)]
pub struct DropMappedLevel {
    /// Whose.
    pub user: PrincipalId,
    /// By whose mapping.
    pub provider: Provider,
}

impl<Tx: DirectoryUsers + Units + ?Sized> Command<Tx> for DropMappedLevel {
    type Permission = permissions::AuthSso;
    type Output = ();
    type Error = StoreError;

    fn entity(&self) -> Entity {
        self.user.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), StoreError> {
        let Some(present): Option<UserStanding> = tx.standing(self.user).await? else {
            return Ok(());
        };
        match apply(tx, proof, &self.provider, self.user, present, None).await {
            Ok(()) => Ok(()),
            Err(MappedError::Store(error) | MappedError::Unit(crate::operations::UnitError::Store(error))) => {
                Err(error)
            }
            Err(MappedError::Unit(_) | MappedError::Denied(_) | MappedError::NoOwner) => Err(StoreError::Forbidden),
        }
    }
}
