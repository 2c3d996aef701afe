//! Messages of a tenant.
use async_trait::async_trait;
use keepgate_kernel::MessageId;
use keepgate_store::StoreError;

use crate::types::{Cursor, Message, MessageFilter, MessageSummary, MessageView, Page, SealedContent};

/// The messages of a tenant. Level 1 sees those it sent or that are addressed to it, level 2 also those of its unit, levels 3
/// to 5 and the worker all. A message is never changed or removed.
#[async_trait]
pub trait Messages: Send {
    /// Adds a message whose sender is the caller, and its delivery, due at once. [`StoreError::Conflict`] when the id is
    /// taken, [`StoreError::Forbidden`] when the sender or its unit is not the caller's.
    async fn add_message(&mut self, message: &Message) -> Result<(), StoreError>;

    /// The message and its attempts in the order of step and try; `None` if there is none to see.
    async fn message(&mut self, id: MessageId) -> Result<Option<MessageView>, StoreError>;

    /// The newest messages first, by the time of acceptance and then by id, that pass the filter: those after the cursor, and
    /// one more than the page's limit if there are so many. A message accepted later never appears on a later page.
    async fn messages(
        &mut self,
        filter: &MessageFilter,
        page: &Page<Cursor>,
    ) -> Result<Vec<MessageSummary>, StoreError>;

    /// The sealed parts of a message; `None` if there is none to see.
    async fn sealed_payload(&mut self, id: MessageId) -> Result<Option<SealedContent>, StoreError>;
}
