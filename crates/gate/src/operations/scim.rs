//! What directories do (SCIM 2.0), and the tokens they come with.
mod edit;
mod error;
mod groups;
mod read_schema;
mod settle;
mod tokens;
mod users;

pub use edit::{Edit, Found};
pub use error::ScimError;
pub use groups::{ChangeScimGroup, CreateScimGroup, DeleteScimGroup, GetScimGroup, ListScimGroups};
pub use read_schema::ReadScimSchema;
pub use tokens::{IssueScimToken, IssueScimTokenError, ListScimTokens, RevokeScimToken, RevokeScimTokenError};
pub use users::{ChangeScimUser, CreateScimUser, DeleteScimUser, GetScimUser, ListScimUsers, ScimUser};
