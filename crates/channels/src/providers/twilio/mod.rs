//! Twilio's REST API of 2010-04-01: creating messages and calls, and what it calls back.
//!
//! Creating is not idempotent there: after a timeout, a broken connection or a 5xx nobody knows whether the message went out, so
//! the outcome is `Unknown`, and the machine never repeats it. A 429 was never processed. Our attempt's id travels in the
//! callback's URL, so that the callback settles an attempt whose answer was lost.
//! Sources: the OpenAPI file `twilio_api_v2010`, and the pages "Error 20429", "Error 20500".
mod account;
mod answer;
mod callback;
mod errors;
mod signature;
mod sms;
mod twiml;
mod voice;

pub use account::{Twilio, TwilioConfig};
pub use callback::{CallbackKind, Reported};
pub use signature::{Signed, verify};
pub use twiml::heard;
