//! Users, page by page.
use keepgate_identity::{PrincipalRecord, Principals};
use keepgate_kernel::{Entity, PrincipalId, PrincipalKind};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

/// Lists the users of the caller's tenant in the order they were made, deleted ones left out.
#[derive(Debug, Clone, Copy)]
pub struct ListUsers {
    /// The last one of the page before.
    pub after: Option<PrincipalId>,
    /// How many at most.
    pub limit: u32,
}

impl<Tx: Principals + ?Sized> Command<Tx> for ListUsers {
    type Permission = permissions::UserList;
    type Output = Vec<PrincipalRecord>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("users")
    }

    async fn run(
        &self,
        _proof: &Authorized<Self::Permission>,
        tx: &mut Tx,
    ) -> Result<Vec<PrincipalRecord>, StoreError> {
        tx.principals(PrincipalKind::User, self.after, self.limit).await
    }
}
