//! What the operations need from a transaction.
mod accounts;
mod directory_groups;
mod links;
mod logins;
mod providers;
mod scim_tokens;

pub use accounts::Accounts;
pub use directory_groups::DirectoryGroups;
pub use links::Links;
pub use logins::Logins;
pub use providers::Providers;
pub use scim_tokens::ScimTokens;
