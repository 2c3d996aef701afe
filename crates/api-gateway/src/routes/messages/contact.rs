//! Contacts and sealed columns, as several operations need them.
use keepgate_channels::{Contact, Sealed};
use keepgate_crypto_keys::{Place, Purpose};
use keepgate_kernel::{TenantId, Uuid};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Api, Problem};

/// One way to reach somebody.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ContactView {
    /// `internet`, `sms`, `voice` or `email`.
    #[schema(example = "sms")]
    channel: &'static str,
    /// A principal's id or a registered webhook's URL (internet), E.164 (sms, voice), name@host (email).
    #[schema(example = "+15005550006")]
    address: String,
    /// Whether the address is known to be the recipient's.
    #[schema(default = false)]
    verified: bool,
}

impl From<&Contact> for ContactView {
    fn from(contact: &Contact) -> Self {
        Self {
            channel: contact.channel().as_str(),
            address: contact.address().to_string(),
            verified: contact.verified(),
        }
    }
}

/// Where a column of a message is sealed for.
pub(super) const fn place(tenant: TenantId, column: &'static str, row: Uuid) -> Place {
    Place {
        tenant,
        purpose: Purpose::Payload,
        table: "channels.message",
        column,
        row,
    }
}

/// Seals `plaintext` for its row.
pub(super) async fn seal(api: &Api, place: Place, plaintext: &[u8]) -> Result<Sealed, Problem> {
    Ok(Sealed::new(api.gate.seal(&place, plaintext).await?))
}
