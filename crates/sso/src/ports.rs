//! What the operations need from a transaction.
mod accounts;
mod logins;
mod providers;

pub use accounts::Accounts;
pub use logins::Logins;
pub use providers::Providers;
