//! Who has which access, page by page.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{Access, AccessReview, Holder};

/// Lists whoever and whatever has access to the caller's tenant, in the order of [`Holder`].
#[derive(Debug, Clone, Copy)]
pub struct ReviewAccess {
    /// The last one of the page before.
    pub after: Option<Holder>,
    /// How many at most.
    pub limit: u32,
}

impl<Tx: AccessReview + ?Sized> Command<Tx> for ReviewAccess {
    type Permission = permissions::AccessReview;
    type Output = Vec<Access>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("access")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<Access>, StoreError> {
        tx.access(self.after, self.limit).await
    }
}
