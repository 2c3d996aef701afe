//! API keys, page by page.
use keepgate_kernel::{Entity, KeyId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{ApiKeyRecord, ApiKeys};

/// Lists the tenant's keys in the order they were issued, revoked ones too.
#[derive(Debug, Clone, Copy)]
pub struct ListApiKeys {
    /// The last one of the page before.
    pub after: Option<KeyId>,
    /// How many at most.
    pub limit: u32,
}

impl<Tx: ApiKeys + ?Sized> Command<Tx> for ListApiKeys {
    type Permission = permissions::ApiKeyList;
    type Output = Vec<ApiKeyRecord>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("api-keys")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<ApiKeyRecord>, StoreError> {
        tx.api_keys(self.after, self.limit).await
    }
}
