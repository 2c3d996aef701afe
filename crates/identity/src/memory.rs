//! The ports in memory, with the guards that PostgreSQL has in its policies and triggers, and the door.
//!
//! Tables are keyed by their type, so a sibling crate that names the same rows reads the same table: [`TenantRows`],
//! [`UnitRows`], [`GrantRows`] and [`ApprovalRows`] are written by the crate that keeps levels, and only read here.
mod access;
mod api_keys;
mod approved;
mod caller;
mod device_keys;
mod devices;
mod directory;
mod door;
mod enrolments;
mod genesis;
mod homes;
mod imported_keys;
mod mails;
mod passwords;
mod principals;
mod resets;
mod revocations;
mod rows;
mod second_factors;
mod sessions;
mod signing_keys;
mod tenant_policies;
mod throttle;

pub use door::door;
pub use genesis::{appoint_second, genesis};
pub use rows::{
    ApprovalRows, EnrolmentRow, EnrolmentRows, GrantRows, ImportedRow, KeyRow, KeyRows, PasswordRows, PrincipalRow,
    PrincipalRows, SessionRow, SessionRows, TenantRows, UnitRows,
};
