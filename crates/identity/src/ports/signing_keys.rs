//! The keys that sign tokens.
use async_trait::async_trait;
use keepgate_store::StoreError;

use crate::{NewSigningKey, SigningKey, Turn};

/// Signing keys of the whole installation. Every change is followed by a [`crate::Revoked::Ring`].
#[async_trait]
pub trait SigningKeys: Send {
    /// All of them, newest first, gone ones too, a hundred at most. Seeds come to the platform's worker only; levels 6 and 7 see
    /// the rest; nobody else sees any.
    async fn signing_keys(&mut self) -> Result<Vec<SigningKey>, StoreError>;

    /// Whether anybody has ever logged in. The platform's worker only: `Forbidden`.
    async fn has_had_sessions(&mut self) -> Result<bool, StoreError>;

    /// Puts a key on record: pending, or with `active` the first of all, which signs at once. `false`, and nothing changed, when there
    /// is one in that state. Level 7 for a pending one, the platform's worker for the first; `Forbidden` for everybody else.
    async fn add_signing_key(&mut self, new: &NewSigningKey, active: bool) -> Result<bool, StoreError>;

    /// The pending key becomes active, the active one retired and its seed destroyed. Before the pending one has been published for
    /// [`crate::PUBLISHED`] only in an `emergency`. Level 7: `Forbidden` for everybody else.
    async fn turn_signing_keys(&mut self, emergency: bool) -> Result<Turn, StoreError>;
}
