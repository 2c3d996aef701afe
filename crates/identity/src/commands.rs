//! The operations, one file each: command, error and rule together.
mod enrol;
mod list_api_keys;
mod list_sessions;
mod login;
mod logout;
mod read_me;
mod revoke_api_key;
mod revoke_principal_sessions;
mod revoke_session;
mod rotate_api_key;

pub use enrol::{Enrol, EnrolError};
pub use list_api_keys::ListApiKeys;
pub use list_sessions::ListSessions;
pub use login::{Login, LoginError};
pub use logout::{Logout, LogoutError};
pub use read_me::{ReadMe, ReadMeError};
pub use revoke_api_key::{RevokeApiKey, RevokeApiKeyError};
pub use revoke_principal_sessions::{RevokePrincipalSessions, RevokePrincipalSessionsError};
pub use revoke_session::{RevokeSession, RevokeSessionError};
pub use rotate_api_key::{RotateApiKey, RotateApiKeyError, Rotated};
