//! Tokens of directories.
use async_trait::async_trait;
use keepgate_kernel::Uuid;
use keepgate_store::StoreError;

use crate::scim::{Directory, NewScimToken, ScimTokenRecord};

/// Tokens of directories in the caller's tenant.
#[async_trait]
pub trait ScimTokens: Send {
    /// Puts a token on record. Its provider must exist. Owners only: `Forbidden` otherwise.
    async fn add_scim_token(&mut self, new: &NewScimToken) -> Result<(), StoreError>;

    /// Ends a token for good. `false` when there is no live one the caller may end: levels 4 and 5 may.
    async fn revoke_scim_token(&mut self, id: Uuid) -> Result<bool, StoreError>;

    /// At most `limit` tokens after `after`, in the order they were issued, the ended ones included. Levels 4 and 5, and
    /// workers; nobody else sees any.
    async fn scim_tokens(&mut self, after: Option<Uuid>, limit: u32) -> Result<Vec<ScimTokenRecord>, StoreError>;

    /// Whose token this is; `None` when it is unknown, revoked or past its end. The log-in's worker only.
    async fn directory(&mut self, hash: &[u8; 32]) -> Result<Option<Directory>, StoreError>;

    /// Whether the token is alive now. Workers only.
    async fn is_scim_token_live(&mut self, id: Uuid) -> Result<bool, StoreError>;
}
