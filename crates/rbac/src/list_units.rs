//! Units, page by page.
use keepgate_kernel::{Entity, UnitId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{Unit, Units};

/// Lists the units the caller may see, in the order of their ids.
#[derive(Debug, Clone, Copy)]
pub struct ListUnits {
    /// The last one of the page before.
    pub after: Option<UnitId>,
    /// How many at most.
    pub limit: u32,
}

impl<Tx: Units + ?Sized> Command<Tx> for ListUnits {
    type Permission = permissions::UnitList;
    type Output = Vec<Unit>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("units")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<Unit>, StoreError> {
        tx.units(self.after, self.limit).await
    }
}
