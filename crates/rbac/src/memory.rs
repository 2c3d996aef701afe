//! The ports in memory, with the guards that PostgreSQL has in its policies and triggers.
//!
//! Tables are keyed by their type, so a sibling crate that names the same rows reads the same table: [`TenantRows`],
//! [`UnitRows`], [`GrantRows`] and [`ApprovalRows`] are the mirror of the schema `rbac`.
mod approvals;
mod caller;
mod roles;
mod tenants;
mod units;

use keepgate_kernel::{ApprovalId, TenantId, UnitId, Uuid};
use keepgate_policy::{Approval, Grant, Tenant, Unit};
use rpds::RedBlackTreeMapSync;

/// Tenants by id.
pub type TenantRows = RedBlackTreeMapSync<TenantId, Tenant>;
/// Units by tenant and id.
pub type UnitRows = RedBlackTreeMapSync<(TenantId, UnitId), Unit>;
/// Two-person approvals by tenant and id.
pub type ApprovalRows = RedBlackTreeMapSync<(TenantId, ApprovalId), Approval>;
/// Levels by tenant and principal.
pub type GrantRows = RedBlackTreeMapSync<(TenantId, Uuid), Grant>;
