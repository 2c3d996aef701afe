//! Which unit goes with a level.
use keepgate_kernel::{Level, UnitId};
use keepgate_policy::{CommandError, ErrorKind};
use keepgate_rbac::Units;
use keepgate_store::StoreError;

/// Why a unit does not go with a level.
#[derive(Debug, thiserror::Error)]
pub enum UnitError {
    /// The tenant has no such unit.
    #[error("no such unit")]
    NotFound,
    /// Levels from 4 up act in the whole tenant.
    #[error("only levels 1 to 3 belong to a unit")]
    NotAllowed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for UnitError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::Refused("unit-not-found"),
            Self::NotAllowed => ErrorKind::Refused("unit-not-allowed"),
            Self::Store(error) => error.kind(),
        }
    }
}

/// The unit for `level`: the wanted one if it exists, the tenant's first if none is wanted, none for levels that have none.
pub(super) async fn unit_for<Tx: Units + ?Sized>(
    tx: &mut Tx,
    level: Level,
    wanted: Option<UnitId>,
) -> Result<Option<UnitId>, UnitError> {
    match wanted {
        Some(_) if !level.needs_unit() => Err(UnitError::NotAllowed),
        None if !level.needs_unit() => Ok(None),
        Some(unit) => tx
            .unit(unit)
            .await?
            .map(|unit| Some(unit.id))
            .ok_or(UnitError::NotFound),
        None => tx.main_unit().await?.map(Some).ok_or(UnitError::NotFound),
    }
}

/// 1 to 200 characters, none of them a control character.
pub(super) fn is_name(text: &str) -> bool {
    (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}
