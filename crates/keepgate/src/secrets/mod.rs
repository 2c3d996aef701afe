//! Secrets: where they may lie (private files, stores) and where they may not (environment, command line, configuration), and how they
//! are kept new while the service runs.
pub mod check;
mod credential;
mod file_watch;
mod files;
mod health;
pub mod kek;
pub mod leaks;
mod private_file;
mod reference;
mod registry;
mod root;
mod services;
mod stores;
mod trouble;

pub use credential::looks_like_a_credential;
pub use file_watch::FileWatch;
pub use files::FileSecrets;
pub use health::SecretHealth;
pub use private_file::{PrivateFile, PrivateFileError, create_private_dir, write_private};
pub use reference::{Place, ReferenceError, SecretRef};
pub use registry::Secrets;
pub use root::{Root, recovery_key};
pub use services::key_service;
pub use trouble::Trouble;
