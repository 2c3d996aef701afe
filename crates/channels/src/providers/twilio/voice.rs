//! Telephone calls: `POST …/Calls.json`.
use async_trait::async_trait;
use secrecy::ExposeSecret;

use super::{CallbackKind, Twilio, answer, twiml};
use crate::{
    PhoneNumber,
    commands::SendOutcome,
    outward::{VoiceProvider, VoiceRequest},
};

/// How long it rings, in seconds: short enough that most voice boxes stay away.
const RING: u32 = 20;

#[async_trait]
impl VoiceProvider for Twilio {
    async fn call(&self, request: VoiceRequest) -> SendOutcome {
        if PhoneNumber::parse(&self.from).is_err() {
            return answer::unsent("sender-has-no-voice");
        }
        let pressed = self.callback(CallbackKind::Digits, request.attempt);
        let form = [
            ("To", request.to.as_str().to_owned()),
            ("From", self.from.clone()),
            (
                "Twiml",
                twiml::ask(request.text.expose_secret(), request.locale.as_deref(), &pressed),
            ),
            ("Timeout", RING.min(request.limits.budget_seconds.max(1)).to_string()),
            ("StatusCallback", self.callback(CallbackKind::Call, request.attempt)),
            ("StatusCallbackMethod", "POST".to_owned()),
        ];
        self.create("Calls", &form, request.limits).await
    }
}
