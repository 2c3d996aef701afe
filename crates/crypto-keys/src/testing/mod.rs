//! What every key service and every secret store keeps to. Each adapter is held to it by its own tests.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a contract that is broken is a test that fails"
)]
mod keys;
mod secrets;

pub use keys::{KeyServiceTraits, a_key_service};
pub use secrets::{SecretKeeper, a_secret_store};
