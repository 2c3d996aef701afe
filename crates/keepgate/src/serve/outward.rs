//! Hands each parcel of the dispatcher to the provider that carries it.
use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use keepgate_channels::{
    Address, Channel, Reason,
    commands::SendOutcome,
    machine::RefusalClass,
    outward::{CallLimits, SmsProvider, SmsRequest, VoiceProvider, VoiceRequest, WebhookRequest, WebhookSender},
};
use keepgate_gate::workers::{Outward, Parcel};
use keepgate_kernel::Clock;
use secrecy::{SecretSlice, SecretString};

/// What SMS and voice say about a message that has no text of its own: nothing about it but that it waits.
const WAITS: &str = "A message is waiting for you.";

/// The configured providers by name.
pub struct Couriers {
    /// Carry text messages.
    pub sms: HashMap<String, Arc<dyn SmsProvider>>,
    /// Make calls.
    pub voice: HashMap<String, Arc<dyn VoiceProvider>>,
    /// Calls webhooks.
    pub webhooks: Arc<dyn WebhookSender>,
    /// For what is left of a lease.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl Outward for Couriers {
    async fn carry(&self, parcel: Parcel) -> SendOutcome {
        let left = parcel.until - self.clock.now();
        let limits = CallLimits {
            timeout: left.to_std().unwrap_or(Duration::ZERO),
            budget_seconds: parcel.budget_seconds,
        };
        match (parcel.channel, parcel.address.clone()) {
            (Channel::Sms, Address::Phone(to)) => match self.sms.get(&parcel.provider) {
                Some(provider) => {
                    provider.send(SmsRequest { attempt: parcel.attempt, to, text: words(&parcel), limits }).await
                }
                None => refused("provider-not-configured"),
            },
            (Channel::Voice, Address::Phone(to)) => match self.voice.get(&parcel.provider) {
                Some(provider) => {
                    let locale = parcel.locale.clone();
                    provider
                        .call(VoiceRequest { attempt: parcel.attempt, to, text: words(&parcel), locale, limits })
                        .await
                }
                None => refused("provider-not-configured"),
            },
            (Channel::Internet, Address::Webhook(url)) => match webhook(&parcel, url, limits, &*self.clock) {
                Some(request) => self.webhooks.post(request).await,
                None => refused("webhook-not-registered"),
            },
            _ => refused("channel-not-carried"),
        }
    }
}

fn words(parcel: &Parcel) -> SecretString {
    parcel.text.as_ref().map_or(WAITS, |text| text.as_str()).to_owned().into()
}

/// `None` without a signing secret: nothing leaves unsigned.
fn webhook(
    parcel: &Parcel,
    url: keepgate_channels::WebhookUrl,
    limits: CallLimits,
    clock: &dyn Clock,
) -> Option<WebhookRequest> {
    let secret = String::from_utf8(parcel.secret.as_ref()?.to_vec()).ok()?;
    Some(WebhookRequest {
        id: parcel.attempt.to_string(),
        url,
        secret: secret.into(),
        content_type: parcel.content_type.clone(),
        body: SecretSlice::from(parcel.payload.to_vec()),
        headers: vec![
            ("keepgate-message-id".into(), parcel.message.to_string()),
            ("keepgate-priority".into(), parcel.priority.as_str().into()),
            ("keepgate-accepted-at".into(), keepgate_kernel::format_time(parcel.accepted_at)),
        ],
        at: clock.now(),
        limits,
    })
}

/// Not this way, perhaps another.
fn refused(reason: &str) -> SendOutcome {
    SendOutcome::Refused { class: RefusalClass::Step, reason: Reason::new(reason), retry_after_seconds: None }
}

impl std::fmt::Debug for Couriers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Couriers").field("sms", &self.sms.keys()).field("voice", &self.voice.keys()).finish_non_exhaustive()
    }
}
