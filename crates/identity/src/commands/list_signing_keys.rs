//! The keys that sign tokens.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{SigningKey, SigningKeys};

/// Lists them, newest first, gone ones too. Seeds are not among what is told.
#[derive(Debug, Clone, Copy)]
pub struct ListSigningKeys;

impl<Tx: SigningKeys + ?Sized> Command<Tx> for ListSigningKeys {
    type Permission = permissions::SigningKeyList;
    type Output = Vec<SigningKey>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("signing-keys")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<SigningKey>, StoreError> {
        tx.signing_keys().await
    }
}
