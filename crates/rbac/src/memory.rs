//! The ports in memory, with the guards that PostgreSQL has in its policies and triggers.
//!
//! Tables are keyed by their type, so a sibling crate that names the same rows reads the same table: [`TenantRows`],
//! [`UnitRows`] and [`GrantRows`] are the mirror of the schema `rbac`.
mod caller;
mod roles;
mod tenants;
mod units;

use keepgate_kernel::{TenantId, UnitId, Uuid};
use keepgate_policy::{Grant, Tenant, Unit};
use rpds::RedBlackTreeMapSync;

/// Tenants by id.
pub type TenantRows = RedBlackTreeMapSync<TenantId, Tenant>;
/// Units by tenant and id.
pub type UnitRows = RedBlackTreeMapSync<(TenantId, UnitId), Unit>;
/// Levels by tenant and principal.
pub type GrantRows = RedBlackTreeMapSync<(TenantId, Uuid), Grant>;
