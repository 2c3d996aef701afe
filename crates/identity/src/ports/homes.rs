//! Where a credential lives, before anybody has been identified.
use async_trait::async_trait;
use keepgate_kernel::{KeyId, TenantId};
use keepgate_store::StoreError;

use crate::{CodeHash, Email, Handle, Lookup};

/// Where a credential lives. The platform's own worker only: everybody else learns nothing. The answer is a tenant's id, never
/// a principal.
#[async_trait]
pub trait Homes: Send {
    /// The tenants with a user of this address, at most 20, the user made first before the others.
    async fn homes_of_email(&mut self, email: &Email) -> Result<Vec<TenantId>, StoreError>;

    /// The tenant of a key.
    async fn home_of_key(&mut self, id: KeyId) -> Result<Option<TenantId>, StoreError>;

    /// The tenant and the id of the key with this handle.
    async fn home_of_handle(&mut self, handle: Handle) -> Result<Option<(TenantId, KeyId)>, StoreError>;

    /// The tenant and the id of the key that one of these lookups finds: at most one does.
    async fn home_of_imported(&mut self, lookups: &[Lookup]) -> Result<Option<(TenantId, KeyId)>, StoreError>;

    /// The tenant of a reset code.
    async fn home_of_reset(&mut self, hash: &CodeHash) -> Result<Option<TenantId>, StoreError>;

    /// The tenant of an enrolment code.
    async fn home_of_enrolment(&mut self, hash: &CodeHash) -> Result<Option<TenantId>, StoreError>;
}
