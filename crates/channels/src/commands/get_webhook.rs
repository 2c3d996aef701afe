//! Reading a webhook.
use keepgate_kernel::{Entity, WebhookId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{ports::Webhooks, types::Webhook};

/// Reads a webhook; its secret stays sealed.
#[derive(Debug)]
pub struct GetWebhook {
    /// Which one.
    pub id: WebhookId,
}

/// Why it was not read.
#[derive(Debug, thiserror::Error)]
pub enum GetWebhookError {
    /// There is none to see.
    #[error("no such webhook")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for GetWebhookError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-webhook"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Webhooks + ?Sized> Command<Tx> for GetWebhook {
    type Permission = permissions::WebhookRead;
    type Output = Webhook;
    type Error = GetWebhookError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Webhook, GetWebhookError> {
        tx.webhook(self.id).await?.ok_or(GetWebhookError::Unknown)
    }
}
