//! Amazon Web Services: KMS and Secrets Manager.
mod settings;

pub use settings::{Identity, Settings};
