//! Channels.
pub mod machine;
mod types;
pub use types::*;
