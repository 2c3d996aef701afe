//! Text messages: `POST …/Messages.json`.
use async_trait::async_trait;
use secrecy::ExposeSecret;

use super::{CallbackKind, Twilio, account::is_service};
use crate::{
    commands::SendOutcome,
    outward::{SmsProvider, SmsRequest},
};

/// What `ValidityPeriod` may be, in seconds.
const VALIDITY: std::ops::RangeInclusive<u32> = 1..=36_000;

#[async_trait]
impl SmsProvider for Twilio {
    async fn send(&self, request: SmsRequest) -> SendOutcome {
        let sender = if is_service(&self.from) {
            "MessagingServiceSid"
        } else {
            "From"
        };
        let validity = request.limits.budget_seconds.clamp(*VALIDITY.start(), *VALIDITY.end());
        let form = [
            ("To", request.to.as_str().to_owned()),
            (sender, self.from.clone()),
            ("Body", request.text.expose_secret().to_owned()),
            ("StatusCallback", self.callback(CallbackKind::Message, request.attempt)),
            // Later than this the next step has begun: a text that comes after the call helps nobody.
            ("ValidityPeriod", validity.to_string()),
            ("ContentRetention", "discard".to_owned()),
            ("AddressRetention", "obfuscate".to_owned()),
        ];
        self.create("Messages", &form, request.limits).await
    }
}
