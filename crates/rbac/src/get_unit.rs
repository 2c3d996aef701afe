//! One unit.
use keepgate_kernel::{Entity, UnitId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{Unit, Units};

/// Reads a unit of the caller's tenant; levels 1 to 3 read their own.
#[derive(Debug, Clone, Copy)]
pub struct GetUnit {
    /// Which.
    pub id: UnitId,
}

/// Why it was not read.
#[derive(Debug, thiserror::Error)]
pub enum GetUnitError {
    /// There is none that the caller may see.
    #[error("no such unit")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for GetUnitError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("unit-not-found"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Units + ?Sized> Command<Tx> for GetUnit {
    type Permission = permissions::UnitRead;
    type Output = Unit;
    type Error = GetUnitError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Unit, GetUnitError> {
        tx.unit(self.id).await?.ok_or(GetUnitError::NotFound)
    }
}
