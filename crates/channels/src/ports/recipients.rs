//! Recipients of a tenant.
use async_trait::async_trait;
use keepgate_kernel::RecipientId;
use keepgate_store::StoreError;

use crate::types::{Page, Recipient};

/// The recipients of a tenant: read at every customer level, written from level 2.
#[async_trait]
pub trait Recipients: Send {
    /// Adds a recipient. [`StoreError::Conflict`] when the id is taken.
    async fn add_recipient(&mut self, recipient: &Recipient) -> Result<(), StoreError>;

    /// The recipient, `None` if there is none.
    async fn recipient(&mut self, id: RecipientId) -> Result<Option<Recipient>, StoreError>;

    /// Recipients in the order of their ids, which is the order of creation: those after the cursor, and one more than the
    /// page's limit if there are so many.
    async fn recipients(&mut self, page: &Page<RecipientId>) -> Result<Vec<Recipient>, StoreError>;

    /// Replaces everything but id and creation time. `false` if there is no such recipient, or it may not be changed.
    async fn change_recipient(&mut self, recipient: &Recipient) -> Result<bool, StoreError>;

    /// Removes it for good; messages keep the contacts they were accepted with. `false` if there is no such recipient, or it
    /// may not be removed.
    async fn remove_recipient(&mut self, id: RecipientId) -> Result<bool, StoreError>;
}
