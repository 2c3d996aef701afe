//! Registering a webhook.
use keepgate_kernel::{Entity, WebhookId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::{StoreError, Transaction};

use crate::{
    ports::Webhooks,
    types::{Sealed, Webhook, WebhookEvent, WebhookUrl, WebhookUrlError},
};

/// Registers an endpoint of the back office.
#[derive(Debug)]
pub struct RegisterWebhook {
    /// The new webhook's id.
    pub id: WebhookId,
    /// Where it listens.
    pub url: String,
    /// What it wants to hear about; it can be addressed by messages in any case.
    pub events: Vec<WebhookEvent>,
    /// The signing secret, sealed for this row.
    pub secret: Sealed,
}

/// Why it was not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterWebhookError {
    /// The URL can't be one.
    #[error(transparent)]
    Url(#[from] WebhookUrlError),
    /// Another registration has this URL.
    #[error("this URL is registered already")]
    Registered,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RegisterWebhookError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Url(_) => ErrorKind::Refused("invalid-webhook-url"),
            Self::Registered => ErrorKind::Refused("webhook-registered"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Transaction + Webhooks + ?Sized> Command<Tx> for RegisterWebhook {
    type Permission = permissions::WebhookCreate;
    type Output = Webhook;
    type Error = RegisterWebhookError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Webhook, RegisterWebhookError> {
        let mut events = self.events.clone();
        events.sort();
        events.dedup();
        let url = WebhookUrl::parse(&self.url)?;
        let webhook = Webhook {
            id: self.id,
            url,
            events,
            secret: self.secret.clone(),
            created_at: tx.context().at(),
        };
        if tx.add_webhook(&webhook).await? {
            Ok(webhook)
        } else {
            Err(RegisterWebhookError::Registered)
        }
    }
}
