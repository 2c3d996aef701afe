//! Listing messages.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{
    ports::Messages,
    types::{Cursor, Listed, MessageFilter, MessageSummary, Page},
};

/// Lists the messages the caller may see, newest first.
#[derive(Debug)]
pub struct ListMessages {
    /// Which messages.
    pub filter: MessageFilter,
    /// Which part of the list.
    pub page: Page<Cursor>,
}

impl<Tx: Messages + ?Sized> Command<Tx> for ListMessages {
    type Permission = permissions::MessageList;
    type Output = Listed<MessageSummary, Cursor>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("messages")
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Self::Output, StoreError> {
        Ok(Listed::cut(
            tx.messages(&self.filter, &self.page).await?,
            &self.page,
            |message| Cursor {
                at: message.accepted_at,
                id: message.id.uuid(),
            },
        ))
    }
}
