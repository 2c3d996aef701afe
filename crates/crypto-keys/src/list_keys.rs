//! The tenant's data keys.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{KeyState, KeyStates};

/// Lists the tenant's data keys, oldest first, with their states. A tenant has few: one, and one more for each destruction.
#[derive(Debug, Clone, Copy)]
pub struct ListKeys;

impl<Tx: KeyStates + ?Sized> Command<Tx> for ListKeys {
    type Permission = permissions::KeyList;
    type Output = Vec<KeyState>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("keys")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<KeyState>, StoreError> {
        tx.key_states().await
    }
}
