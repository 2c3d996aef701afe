//! Tenants, their units, the one level each principal holds in its tenant, and what two people have to want.
//!
//! Whether a level *may* be given is the policy's question ([`keepgate_policy::grant()`]); this crate keeps what was given, and
//! its adapters look at the granter's live row again before they believe a proof. Four ports ([`Tenants`], [`Units`],
//! [`Roles`], [`Approvals`]), each on both backends, and the operations on tenants, units and approvals. What also touches a principal's credentials meets in
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
mod approve;
mod create_tenant;
mod create_unit;
mod delete_unit;
mod get_approval;
mod get_tenant;
mod get_unit;
mod list_approvals;
mod list_tenants;
mod list_units;
pub mod memory;
mod name;
mod ports;
#[cfg(feature = "postgres")]
mod postgres;
mod rename_unit;
mod update_tenant;

pub use approve::{Approve, ApproveError};
pub use create_tenant::{CreateTenant, CreateTenantError};
pub use create_unit::{CreateUnit, CreateUnitError};
pub use delete_unit::{DeleteUnit, DeleteUnitError};
pub use get_approval::{GetApproval, GetApprovalError};
pub use get_tenant::{GetTenant, GetTenantError};
pub use get_unit::{GetUnit, GetUnitError};
pub use keepgate_policy::{Grant, Plane, Tenant, TenantStatus, Unit};
pub use list_approvals::ListApprovals;
pub use list_tenants::ListTenants;
pub use list_units::ListUnits;
pub use ports::{Approvals, Roles, Tenants, Units};
pub use rename_unit::{RenameUnit, RenameUnitError};
pub use update_tenant::{UpdateTenant, UpdateTenantError};
