//! The end of a unit.
use keepgate_kernel::{Entity, UnitId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::Units;

/// Takes an empty unit away. Its members have to be moved or deleted first, disabled ones too.
#[derive(Debug, Clone, Copy)]
pub struct DeleteUnit {
    /// Which.
    pub id: UnitId,
}

/// Why it is still there.
#[derive(Debug, thiserror::Error)]
pub enum DeleteUnitError {
    /// There is none.
    #[error("no such unit")]
    NotFound,
    /// Somebody is in it.
    #[error("somebody is in that unit")]
    NotEmpty,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for DeleteUnitError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("unit-not-found"),
            Self::NotEmpty => ErrorKind::Refused("unit-not-empty"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Units + ?Sized> Command<Tx> for DeleteUnit {
    type Permission = permissions::UnitDelete;
    type Output = ();
    type Error = DeleteUnitError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), DeleteUnitError> {
        if tx.people_in(self.id).await? > 0 {
            return Err(DeleteUnitError::NotEmpty);
        }
        if tx.delete_unit(proof, self.id).await? {
            Ok(())
        } else {
            Err(DeleteUnitError::NotFound)
        }
    }
}
