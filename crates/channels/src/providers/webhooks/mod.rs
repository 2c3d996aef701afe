//! Outgoing webhooks: signed as in Standard Webhooks 1.0, and going nowhere but to public addresses.
mod sender;

pub use keepgate_outward::{SecretError, sign, sign_publicly, signing_secret, verifying_key};
pub use sender::HttpWebhooks;
