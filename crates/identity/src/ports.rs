//! What the operations need from a transaction, one file for each concern.
mod api_keys;
mod directory;
mod enrolments;
mod homes;
mod imported_keys;
mod passwords;
mod principals;
mod revocations;
mod second_factors;
mod sessions;
mod signing_keys;
mod tenant_policies;
mod throttle;

pub use api_keys::{ApiKeys, LONGEST_LIFE};
pub use directory::DirectoryUsers;
pub use enrolments::Enrolments;
pub use homes::Homes;
pub use imported_keys::ImportedKeys;
pub use passwords::Passwords;
pub use principals::Principals;
pub use revocations::Revocations;
pub use second_factors::SecondFactors;
pub use sessions::Sessions;
pub use signing_keys::SigningKeys;
pub use tenant_policies::TenantPolicies;
pub use throttle::Throttle;
