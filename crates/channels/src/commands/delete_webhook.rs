//! Removing a webhook.
use keepgate_kernel::{Entity, WebhookId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::ports::Webhooks;

/// Removes a webhook. Messages under way to it skip it from now on.
#[derive(Debug)]
pub struct DeleteWebhook {
    /// Which one.
    pub id: WebhookId,
}

/// Why it was not removed.
#[derive(Debug, thiserror::Error)]
pub enum DeleteWebhookError {
    /// There is none in this tenant.
    #[error("no such webhook")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for DeleteWebhookError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-webhook"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Webhooks + ?Sized> Command<Tx> for DeleteWebhook {
    type Permission = permissions::WebhookDelete;
    type Output = ();
    type Error = DeleteWebhookError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), DeleteWebhookError> {
        if tx.remove_webhook(self.id).await? {
            Ok(())
        } else {
            Err(DeleteWebhookError::Unknown)
        }
    }
}
