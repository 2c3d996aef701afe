//! Identity providers, and logging in through them.
mod configure_provider;
mod delete_provider;
mod drop_mapped_level;
pub(super) mod link;
pub(super) mod login;
pub(super) mod mapped;
mod read_providers;
mod start;

pub use configure_provider::{ConfigureProvider, ConfigureProviderError};
pub use delete_provider::{DeleteProvider, DeleteProviderError};
pub use drop_mapped_level::DropMappedLevel;
pub use link::{LinkAccount, StartLink, StartLinkError};
pub use login::{SsoLogin, SsoLoginError};
pub use read_providers::{GetProvider, GetProviderError, ListProviders};
pub use start::{StartSso, StartSsoError};
