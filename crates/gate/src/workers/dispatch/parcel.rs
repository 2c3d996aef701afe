//! What a provider is given: opened, and gone when the call has ended.
use keepgate_channels::{Address, Channel, Priority, commands::Call};
use keepgate_crypto_keys::SigningSeed;
use keepgate_kernel::{AttemptId, MessageId, Timestamp};
use zeroize::Zeroizing;

/// One call, with its content opened. Never logged.
pub struct Parcel {
    /// The attempt; the idempotency key towards the provider.
    pub attempt: AttemptId,
    /// The message.
    pub message: MessageId,
    /// The provider's name in the configuration.
    pub provider: String,
    /// The channel.
    pub channel: Channel,
    /// Whom to reach.
    pub address: Address,
    /// The signing secret of a webhook.
    pub secret: Option<Zeroizing<Vec<u8>>>,
    /// The keys that sign what goes to a webhook, newest first.
    pub seeds: Vec<SigningSeed>,
    /// The payload.
    pub payload: Zeroizing<Vec<u8>>,
    /// What SMS and voice may say.
    pub text: Option<Zeroizing<String>>,
    /// The type of the payload.
    pub content_type: String,
    /// How urgent the sender says it is.
    pub priority: Priority,
    /// The recipient's language.
    pub locale: Option<String>,
    /// When the message was accepted.
    pub accepted_at: Timestamp,
    /// How long the delivery waits for this attempt, in seconds.
    pub budget_seconds: u32,
    /// When the call must have ended: before the lease does.
    pub until: Timestamp,
}

impl Parcel {
    pub(super) fn new(
        call: &Call,
        (secret, seeds): (Option<Zeroizing<Vec<u8>>>, Vec<SigningSeed>),
        payload: Zeroizing<Vec<u8>>,
        text: Option<Zeroizing<String>>,
        until: Timestamp,
    ) -> Self {
        Self {
            attempt: call.attempt,
            message: call.lease.message,
            provider: call.provider.clone(),
            channel: call.channel,
            address: call.address.clone(),
            secret,
            seeds,
            payload,
            text,
            content_type: call.content_type.clone(),
            priority: call.priority,
            locale: call.locale.clone(),
            accepted_at: call.accepted_at,
            budget_seconds: call.budget_seconds,
            until,
        }
    }
}

impl std::fmt::Debug for Parcel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parcel")
            .field("attempt", &self.attempt)
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}
