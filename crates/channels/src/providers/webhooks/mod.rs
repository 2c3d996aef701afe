//! Outgoing webhooks: signed as in Standard Webhooks 1.0, and going nowhere but to public addresses.
pub(super) mod guard;
mod sender;
mod sign;

pub use sender::HttpWebhooks;
pub use sign::{SecretError, sign, signing_secret};
