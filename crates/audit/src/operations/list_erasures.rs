//! Operation: who has been erased.
use keepgate_kernel::{Entity, ErasureId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{Erasure, Erasures};

/// Returns a page of erasures in the order they were made.
#[derive(Debug, Clone, Copy)]
pub struct ListErasures {
    /// The last one of the page before.
    pub after: Option<ErasureId>,
    /// How many at most.
    pub limit: u32,
}

impl<Tx: Erasures + ?Sized> Command<Tx> for ListErasures {
    type Permission = permissions::ErasureList;
    type Output = Vec<Erasure>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("erasures")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<Erasure>, StoreError> {
        tx.erasures(self.after, self.limit).await
    }
}
