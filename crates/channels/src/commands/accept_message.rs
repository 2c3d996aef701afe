//! Sending a message.
use chrono::Duration;
use keepgate_kernel::{Entity, MessageId, RecipientId, Timestamp};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use super::get_route::in_force;
use crate::{
    ports::{Messages, Recipients, Routes},
    types::{
        Contact, DEFAULT_CONTENT_TYPE, MAX_CONTACTS, MAX_DEADLINE_SECONDS, MAX_PAYLOAD_BYTES, MAX_SEAL_BYTES,
        MAX_TEXT_CHARS, Message, Priority, RouteSnapshot, STANDARD, Sealed, is_content_type,
    },
};

/// Whom a message is for.
#[derive(Debug, Clone)]
pub enum Destination {
    /// A recipient, with the contacts it has now.
    Recipient(RecipientId),
    /// Contacts that belong to nobody in particular: 1 to 20.
    Contacts(Vec<Contact>),
}

/// Takes a message. Once this has committed, the message reaches an end that everybody can see.
#[derive(Debug)]
pub struct AcceptMessage {
    /// The new message's id.
    pub id: MessageId,
    /// Whom it is for.
    pub to: Destination,
    /// The name of its route; [`STANDARD`] if there is none.
    pub route: Option<String>,
    /// The payload, at most [`MAX_PAYLOAD_BYTES`] before it was sealed.
    pub payload: Sealed,
    /// What SMS and voice may say, at most [`MAX_TEXT_CHARS`] before it was sealed.
    pub text: Option<Sealed>,
    /// The type of the payload; [`DEFAULT_CONTENT_TYPE`] if there is none.
    pub content_type: Option<String>,
    /// How urgent it is.
    pub priority: Priority,
    /// When it ends at the latest: within seven days; what the route says if there is none.
    pub deadline: Option<Timestamp>,
    /// Whether only an acknowledgement ends it well; what the route says if there is none.
    pub require_ack: Option<bool>,
}

/// A message was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The message.
    pub id: MessageId,
    /// When.
    pub accepted_at: Timestamp,
    /// When it ends at the latest.
    pub deadline: Timestamp,
}

/// Why a message was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// There is no such recipient in this tenant.
    #[error("no such recipient")]
    UnknownRecipient,
    /// There is no such route in this tenant.
    #[error("no such route")]
    UnknownRoute,
    /// None, or more than 20.
    #[error("a message has 1 to 20 contacts")]
    Contacts,
    /// Beyond [`MAX_PAYLOAD_BYTES`], or nothing at all.
    #[error("a payload has at most 262144 bytes")]
    Payload,
    /// Beyond [`MAX_TEXT_CHARS`].
    #[error("a text has at most 1600 characters")]
    Text,
    /// Not a content type.
    #[error("a content type is written as type/subtype, in at most 100 characters")]
    ContentType,
    /// Passed, or beyond seven days.
    #[error("a deadline lies within the next seven days")]
    Deadline,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for AcceptError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownRecipient => ErrorKind::Refused("unknown-recipient"),
            Self::UnknownRoute => ErrorKind::Refused("unknown-route"),
            Self::Contacts => ErrorKind::Refused("invalid-contacts"),
            Self::Payload => ErrorKind::Refused("payload-too-large"),
            Self::Text => ErrorKind::Refused("text-too-long"),
            Self::ContentType => ErrorKind::Refused("invalid-content-type"),
            Self::Deadline => ErrorKind::Refused("invalid-deadline"),
            Self::Store(error) => error.kind(),
        }
    }
}

/// The limits of sealed parts: those of what is inside, and what sealing adds.
pub(super) fn check_sealed(payload: &Sealed, text: Option<&Sealed>) -> Result<(), AcceptError> {
    if !(1..=MAX_PAYLOAD_BYTES + MAX_SEAL_BYTES).contains(&payload.as_bytes().len()) {
        return Err(AcceptError::Payload);
    }
    // A character has at most four bytes.
    if text.is_some_and(|text| !(1..=MAX_TEXT_CHARS * 4 + MAX_SEAL_BYTES).contains(&text.as_bytes().len())) {
        return Err(AcceptError::Text);
    }
    Ok(())
}

impl AcceptMessage {
    fn content_type(&self) -> Result<String, AcceptError> {
        let text = self.content_type.as_deref().unwrap_or(DEFAULT_CONTENT_TYPE);
        if is_content_type(text) {
            Ok(text.to_owned())
        } else {
            Err(AcceptError::ContentType)
        }
    }

    fn deadline(&self, now: Timestamp, route_seconds: u32) -> Result<Timestamp, AcceptError> {
        let seconds = |n: u32| now + Duration::seconds(i64::from(n));
        let deadline = self.deadline.unwrap_or_else(|| seconds(route_seconds));
        if deadline > now && deadline <= seconds(MAX_DEADLINE_SECONDS) {
            Ok(deadline)
        } else {
            Err(AcceptError::Deadline)
        }
    }
}

impl<Tx: Transaction + Recipients + Routes + Messages + ?Sized> Command<Tx> for AcceptMessage {
    type Permission = permissions::MessageAccept;
    type Output = Accepted;
    type Error = AcceptError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Accepted, AcceptError> {
        let now = tx.context().at();
        check_sealed(&self.payload, self.text.as_ref())?;
        let content_type = self.content_type()?;
        let version = in_force(tx, self.route.as_deref().unwrap_or(STANDARD))
            .await?
            .ok_or(AcceptError::UnknownRoute)?;
        let deadline = self.deadline(now, version.route.deadline_seconds())?;
        let (recipient, contacts, locale) = match &self.to {
            Destination::Contacts(contacts) if (1..=MAX_CONTACTS).contains(&contacts.len()) => {
                (None, contacts.clone(), None)
            }
            Destination::Contacts(_) => return Err(AcceptError::Contacts),
            Destination::Recipient(id) => {
                let recipient = tx.recipient(*id).await?.ok_or(AcceptError::UnknownRecipient)?;
                (Some(*id), recipient.contacts, recipient.locale)
            }
        };
        let message = Message {
            id: self.id,
            accepted_at: now,
            sender: proof.by(),
            unit: proof.unit(),
            recipient,
            contacts,
            route: RouteSnapshot::from(&version),
            payload: self.payload.clone(),
            text: self.text.clone(),
            content_type,
            priority: self.priority,
            require_ack: self.require_ack.unwrap_or(version.route.require_ack()),
            deadline,
            locale,
            replay_of: None,
        };
        tx.add_message(&message).await?;
        Ok(Accepted {
            id: self.id,
            accepted_at: now,
            deadline,
        })
    }
}
