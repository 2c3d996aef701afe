//! Changing a recipient.
use keepgate_kernel::{Entity, RecipientId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{
    ports::Recipients,
    types::{Contact, QuietHours, Recipient, RecipientError},
};

/// Changes what is given of a recipient. Messages under way keep the contacts they were accepted with.
#[derive(Debug)]
pub struct UpdateRecipient {
    /// The recipient.
    pub id: RecipientId,
    /// The new name.
    pub name: Option<String>,
    /// The new contacts, all of them.
    pub contacts: Option<Vec<Contact>>,
    /// The new quiet hours; `Some(None)` removes them.
    pub quiet_hours: Option<Option<QuietHours>>,
    /// The new language tag; `Some(None)` removes it.
    pub locale: Option<Option<String>>,
}

/// Why it was not changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateRecipientError {
    /// There is none in this tenant.
    #[error("no such recipient")]
    Unknown,
    /// A field is beyond its limits.
    #[error(transparent)]
    Invalid(#[from] RecipientError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for UpdateRecipientError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-recipient"),
            Self::Invalid(_) => ErrorKind::Refused("invalid-recipient"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Recipients + ?Sized> Command<Tx> for UpdateRecipient {
    type Permission = permissions::RecipientUpdate;
    type Output = Recipient;
    type Error = UpdateRecipientError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Recipient, UpdateRecipientError> {
        let old = tx.recipient(self.id).await?.ok_or(UpdateRecipientError::Unknown)?;
        let new = Recipient {
            name: self.name.clone().unwrap_or(old.name),
            contacts: self.contacts.clone().unwrap_or(old.contacts),
            quiet_hours: self.quiet_hours.clone().unwrap_or(old.quiet_hours),
            locale: self.locale.clone().unwrap_or(old.locale),
            ..old
        };
        new.check()?;
        if tx.change_recipient(&new).await? {
            Ok(new)
        } else {
            Err(UpdateRecipientError::Unknown)
        }
    }
}
