//! Secrets: where they may lie (private files) and where they may not (environment, command line, configuration).
mod credential;
pub mod kek;
pub mod leaks;
mod private_file;
mod reference;

pub use credential::looks_like_a_credential;
pub use private_file::{PrivateFile, PrivateFileError, create_private_dir, write_private};
pub use reference::{ReferenceError, SecretRef};
