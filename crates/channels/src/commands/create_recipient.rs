//! Creating a recipient.
use keepgate_kernel::{Entity, RecipientId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::{
    ports::Recipients,
    types::{Contact, QuietHours, Recipient, RecipientError},
};

/// Creates a recipient.
#[derive(Debug)]
pub struct CreateRecipient {
    /// The new recipient's id.
    pub id: RecipientId,
    /// What people call it: 1 to 200 characters.
    pub name: String,
    /// How to reach it: 1 to 20 contacts.
    pub contacts: Vec<Contact>,
    /// When it would rather not be disturbed.
    pub quiet_hours: Option<QuietHours>,
    /// Its language tag.
    pub locale: Option<String>,
}

/// Why it was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateRecipientError {
    /// A field is beyond its limits.
    #[error(transparent)]
    Invalid(#[from] RecipientError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for CreateRecipientError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) => ErrorKind::Refused("invalid-recipient"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Recipients + ?Sized> Command<Tx> for CreateRecipient {
    type Permission = permissions::RecipientCreate;
    type Output = Recipient;
    type Error = CreateRecipientError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Recipient, CreateRecipientError> {
        let recipient = Recipient {
            id: self.id,
            name: self.name.clone(),
            contacts: self.contacts.clone(),
            quiet_hours: self.quiet_hours.clone(),
            locale: self.locale.clone(),
            created_at: tx.context().at(),
        };
        recipient.check()?;
        tx.add_recipient(&recipient).await?;
        Ok(recipient)
    }
}
