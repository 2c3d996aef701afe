//! The first key that signs tokens.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{NewSigningKey, SigningKey, SigningKeys};

/// Puts a key in place where there is none. Keepgate's own worker, at a start; of several at once one wins and all sign with its key.
#[derive(Debug, Clone)]
pub struct FirstSigningKey {
    /// A new one.
    pub fresh: NewSigningKey,
    /// The one that an earlier version signed with: where somebody has logged in before, its tokens go on.
    pub former: NewSigningKey,
}

impl<Tx: SigningKeys + ?Sized> Command<Tx> for FirstSigningKey {
    type Permission = permissions::KeyCreate;
    type Output = Vec<SigningKey>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::named("signing-key", &self.fresh.kid)
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<SigningKey>, StoreError> {
        let first = if tx.has_had_sessions().await? {
            &self.former
        } else {
            &self.fresh
        };
        tx.add_signing_key(first, true).await?;
        tx.signing_keys().await
    }
}
