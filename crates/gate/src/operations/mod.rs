//! Operations that need two domain crates, one file each.
mod create_user;
mod delete_user;
mod get_user;
mod issue_api_key;
mod list_users;
mod sso;
mod unit;
mod update_user;

#[cfg(test)]
mod tests;

pub use create_user::{CreateUser, CreateUserError, ENROLMENT_LIFE, UserCreated};
pub use delete_user::{DeleteUser, DeleteUserError};
pub use get_user::{GetUser, GetUserError};
pub use issue_api_key::{ApiKeyIssued, IssueApiKey, IssueApiKeyError};
pub use list_users::ListUsers;
pub use sso::{
    ConfigureProvider, ConfigureProviderError, DeleteProvider, DeleteProviderError, DropMappedLevel, GetProvider,
    GetProviderError, ListProviders, SsoLogin, SsoLoginError, StartSso, StartSsoError,
};
pub use unit::UnitError;
pub use update_user::{UpdateUser, UpdateUserError};
