//! Operation: what is held.
use keepgate_kernel::{Entity, HoldId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{Hold, Holds};

/// Returns a page of holds in the order they were placed, released ones too.
#[derive(Debug, Clone, Copy)]
pub struct ListHolds {
    /// The last one of the page before.
    pub after: Option<HoldId>,
    /// How many at most.
    pub limit: u32,
}

impl<Tx: Holds + ?Sized> Command<Tx> for ListHolds {
    type Permission = permissions::HoldList;
    type Output = Vec<Hold>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("holds")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<Hold>, StoreError> {
        tx.holds(self.after, self.limit).await
    }
}
