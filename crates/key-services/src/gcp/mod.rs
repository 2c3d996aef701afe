//! Google Cloud: KMS and Secret Manager, as the machine's own service account.
mod settings;

pub use settings::Settings;
