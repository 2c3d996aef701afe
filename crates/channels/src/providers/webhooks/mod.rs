//! Outgoing webhooks: signed as in Standard Webhooks 1.0, and going nowhere but to public addresses.
mod sender;

pub use keepgate_outward::{SecretError, sign, signing_secret};
pub use sender::HttpWebhooks;
