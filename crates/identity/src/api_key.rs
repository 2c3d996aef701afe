//! API keys: their form, their record, and the memory of those verified a moment ago.
mod cache;
mod format;
mod handle;
mod imported;
mod pattern;
mod record;
mod uses;

pub(crate) use cache::{Cache, LIFE, Verified};
pub use format::{ApiKey, ApiKeyFormat, Environment, KeyError, KeyName, PresentedKey};
pub use handle::Handle;
pub(crate) use imported::looks_imported;
pub use imported::{BcryptHash, ImportedOnFile, InvalidImport, Lookup, NewImportedKey, Verifier, lookups_of};
pub use pattern::{Checksum, KeyKind, KeyPattern};
pub use record::{ApiKeyRecord, KeyOnFile, KeyUse, NewApiKey, OldSecret, Retiring, UnknownScope, parse_scopes};
pub(crate) use uses::Uses;
