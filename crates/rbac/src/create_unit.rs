//! A new unit.
use keepgate_kernel::{Entity, UnitId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{Unit, Units, name::is_name};

/// Creates a unit of the caller's tenant.
#[derive(Debug, Clone)]
pub struct CreateUnit {
    /// Its id.
    pub id: UnitId,
    /// Its name, unique within the tenant: 1 to 200 characters, none of them a control character.
    pub name: String,
}

/// Why a unit was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateUnitError {
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

impl CommandError for CreateUnitError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidName => ErrorKind::Refused("invalid-name"),
            Self::NameTaken => ErrorKind::Refused("unit-name-taken"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Units + ?Sized> Command<Tx> for CreateUnit {
    type Permission = permissions::UnitCreate;
    type Output = Unit;
    type Error = CreateUnitError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Unit, CreateUnitError> {
        if !is_name(&self.name) {
            return Err(CreateUnitError::InvalidName);
        }
        if !tx.add_unit(proof, self.id, &self.name).await? {
            return Err(CreateUnitError::NameTaken);
        }
        Ok(Unit {
            id: self.id,
            name: self.name.clone(),
        })
    }
}
