//! Another name for a unit.
use keepgate_kernel::{Entity, UnitId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{Unit, Units, name::is_name};

/// Renames a unit of the caller's tenant.
#[derive(Debug, Clone)]
pub struct RenameUnit {
    /// Which.
    pub id: UnitId,
    /// Its new name: 1 to 200 characters, none of them a control character.
    pub name: String,
}

/// Why it was not renamed.
#[derive(Debug, thiserror::Error)]
pub enum RenameUnitError {
    /// There is none.
    #[error("no such unit")]
    NotFound,
    /// The name is empty, too long, or holds control characters.
    #[error("a unit's name has 1 to 200 characters and no control characters")]
    InvalidName,
    /// Another unit has that name.
    #[error("another unit has that name")]
    NameTaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RenameUnitError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("unit-not-found"),
            Self::InvalidName => ErrorKind::Refused("invalid-name"),
            Self::NameTaken => ErrorKind::Refused("unit-name-taken"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Units + ?Sized> Command<Tx> for RenameUnit {
    type Permission = permissions::UnitUpdate;
    type Output = Unit;
    type Error = RenameUnitError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Unit, RenameUnitError> {
        if !is_name(&self.name) {
            return Err(RenameUnitError::InvalidName);
        }
        tx.unit(self.id).await?.ok_or(RenameUnitError::NotFound)?;
        if !tx.rename_unit(proof, self.id, &self.name).await? {
            return Err(RenameUnitError::NameTaken);
        }
        tx.unit(self.id).await?.ok_or(RenameUnitError::NotFound)
    }
}
