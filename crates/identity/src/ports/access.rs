//! Who has which access.
use async_trait::async_trait;
use keepgate_store::StoreError;

use crate::{Access, Holder};

/// Reading what everybody in the caller's tenant can do, and when they last did anything.
#[async_trait]
pub trait AccessReview: Send {
    /// At most `limit` holders of access after `after`, in the order of [`Holder`]: principals that are not deleted, and API keys that
    /// are not revoked. Of principals those that the caller sees: itself, from level 2 its unit's, from level 4 the tenant's, and
    /// what it carries, which tells neither level nor last use unless it is one of those. Keys are for levels 4 and 5 alone. Nothing
    /// for a worker.
    async fn access(&mut self, after: Option<Holder>, limit: u32) -> Result<Vec<Access>, StoreError>;
}
