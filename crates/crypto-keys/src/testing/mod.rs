//! What every key service and every secret store keeps to. Each adapter is held to it by its own tests.
mod keys;
mod secrets;

pub use keys::{KeyServiceTraits, a_key_service};
pub use secrets::{SecretKeeper, a_secret_store};
