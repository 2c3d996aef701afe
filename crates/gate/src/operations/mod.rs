//! Operations that need two domain crates, one file each.
mod break_glass;
mod consent;
mod create_user;
mod delete_user;
mod destroy_key;
mod devices;
mod end_strangers;
mod erase_again;
mod erase_subject;
mod get_user;
mod import_api_key;
mod issue_api_key;
mod issue_service_key;
mod list_users;
mod place_hold;
mod release_hold;
mod request_approval;
mod scim;
mod services;
mod sso;
mod unit;
mod update_user;

#[cfg(test)]
mod tests;

pub use break_glass::{BreakGlass, BreakGlassError, GlassBroken};
pub use create_user::{CreateUser, CreateUserError, ENROLMENT_LIFE, UserCreated};
pub use delete_user::{DeleteUser, DeleteUserError};
pub use destroy_key::{DestroyKey, DestroyKeyError};
pub use devices::{
    CreateDevice, CreateDeviceError, DeleteDevice, DeleteDeviceError, DeviceCode, DeviceCreated, EnrolDevice,
    EnrolDeviceError, UpdateDevice, UpdateDeviceError,
};
pub use end_strangers::EndStrangers;
pub use erase_again::EraseAgain;
pub use erase_subject::{EraseSubject, EraseSubjectError};
pub use get_user::{GetUser, GetUserError};
pub use import_api_key::{ImportApiKey, ImportApiKeyError};
pub use issue_api_key::{ApiKeyIssued, Expiry, HANDLE_TAKEN, IssueApiKey, IssueApiKeyError, KEY_LIFE};
pub use issue_service_key::{IssueServiceKey, IssueServiceKeyError};
pub use list_users::ListUsers;
pub use place_hold::{PlaceHold, PlaceHoldError};
pub use release_hold::{ReleaseHold, ReleaseHoldError};
pub use request_approval::{RequestApproval, RequestApprovalError, Wanted};
pub use scim::{
    ChangeScimGroup, ChangeScimUser, CreateScimGroup, CreateScimUser, DeleteScimGroup, DeleteScimUser, Edit, Found,
    GetScimGroup, GetScimUser, IssueScimToken, IssueScimTokenError, ListScimGroups, ListScimTokens, ListScimUsers,
    ReadScimSchema, RevokeScimToken, RevokeScimTokenError, ScimError, ScimUser,
};
pub use services::{
    CreateService, CreateServiceError, DeleteService, DeleteServiceError, GetService, GetServiceError, ListServices,
    UpdateService, UpdateServiceError,
};
pub use sso::{
    ConfigureProvider, ConfigureProviderError, DeleteProvider, DeleteProviderError, DropMappedLevel, GetProvider,
    GetProviderError, LinkAccount, ListProviders, SsoLogin, SsoLoginError, StartLink, StartLinkError, StartSso,
    StartSsoError,
};
pub(crate) use sso::{link::Refusal as LinkRefusal, login::groups};
pub use unit::UnitError;
pub use update_user::{UpdateUser, UpdateUserError};
