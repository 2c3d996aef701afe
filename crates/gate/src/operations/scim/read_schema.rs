//! What a directory may ask about the service itself.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_sso::{
    ports::{Providers, ScimTokens},
    scim::Directory,
};

use super::{ScimError, settle::entered};

/// Reads what the service can do, and its schemas: the same for everybody.
#[derive(Debug, Clone)]
pub struct ReadScimSchema {
    /// Who asks.
    pub directory: Directory,
}

impl<Tx: ScimTokens + Providers + ?Sized> Command<Tx> for ReadScimSchema {
    type Permission = permissions::ScimRead;
    type Output = ();
    type Error = ScimError;

    fn entity(&self) -> Entity {
        Entity::collection("scim-schema")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), ScimError> {
        entered(tx, &self.directory).await.map(drop)
    }
}
