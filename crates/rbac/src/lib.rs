//! Tenants, their units, and the one level each principal holds in its tenant.
//!
//! Whether a level *may* be given is the policy's question ([`keepgate_policy::grant()`]); this crate keeps what was given, and
//! its adapters look at the granter's live row again before they believe a proof. Three ports ([`Tenants`], [`Units`],
//! [`Roles`]), each on both backends, and the operations on tenants. What also touches a principal's credentials meets in
//! the crate `gate`.
//!
//! To add an operation: a file with its command, its error and its `Command` impl; a new question to the store is a method of
//! a port, its sentence in the doc comment, and a case in `tests/contract.rs`.
//!
//! ```
//! use keepgate_kernel::{Clock, SystemClock, TenantId};
//! use keepgate_rbac::CreateTenant;
//! let command = CreateTenant { id: TenantId::new(SystemClock.now()), name: "Acme".into() };
//! # let _ = command;
//! ```
mod create_tenant;
mod get_tenant;
mod list_tenants;
pub mod memory;
mod ports;
#[cfg(feature = "postgres")]
mod postgres;
mod update_tenant;

pub use create_tenant::{CreateTenant, CreateTenantError};
pub use get_tenant::{GetTenant, GetTenantError};
pub use keepgate_policy::{Grant, Plane, Tenant, TenantStatus, Unit};
pub use list_tenants::ListTenants;
pub use ports::{Roles, Tenants, Units};
pub use update_tenant::{UpdateTenant, UpdateTenantError};
