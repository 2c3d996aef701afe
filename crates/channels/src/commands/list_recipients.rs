//! Listing recipients.
use keepgate_kernel::{Entity, RecipientId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{
    ports::Recipients,
    types::{Listed, Page, Recipient},
};

/// Lists the recipients of the tenant, oldest first.
#[derive(Debug)]
pub struct ListRecipients {
    /// Which part of the list.
    pub page: Page<RecipientId>,
}

impl<Tx: Recipients + ?Sized> Command<Tx> for ListRecipients {
    type Permission = permissions::RecipientList;
    type Output = Listed<Recipient, RecipientId>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("recipients")
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Self::Output, StoreError> {
        Ok(Listed::cut(tx.recipients(&self.page).await?, &self.page, |recipient| {
            recipient.id
        }))
    }
}
