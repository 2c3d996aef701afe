//! OpenBao, and HashiCorp Vault as far as both are alike: the transit engine and kv version 2.
mod settings;

pub use settings::{Auth, Settings};
