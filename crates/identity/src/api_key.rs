//! API keys: their form, their record, and the memory of those verified a moment ago.
mod cache;
mod format;
mod record;

pub(crate) use cache::{Cache, LIFE, Verified};
pub use format::{ApiKey, ApiKeyFormat, Environment, KeyError};
pub use record::{ApiKeyRecord, KeyOnFile, NewApiKey, OldSecret, UnknownScope, parse_scopes};
