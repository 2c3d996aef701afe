//! The ports in memory, with the rules that PostgreSQL has in its policies.
mod accounts;
mod directory_groups;
mod links;
mod logins;
mod providers;
mod scim_tokens;

use keepgate_kernel::{PrincipalId, TenantId, Uuid};
use keepgate_policy::{Grant, Standing};
use keepgate_store::{MemTx, Transaction};
use rpds::RedBlackTreeMapSync;

use crate::{Account, PendingLogin, Provider, ProviderName};

/// Levels by tenant and principal: written by the crate that keeps levels, only read here.
pub type GrantRows = RedBlackTreeMapSync<(TenantId, Uuid), Grant>;
/// Providers by tenant and name, each with its sealed secret.
type ProviderRows = RedBlackTreeMapSync<(TenantId, ProviderName), (Provider, Option<Vec<u8>>)>;
/// Log-ins by tenant and state.
type LoginRows = RedBlackTreeMapSync<(TenantId, [u8; 32]), PendingLogin>;
/// Accounts by tenant and principal.
type AccountRows = RedBlackTreeMapSync<(TenantId, PrincipalId), Account>;

/// `gate.tenant(lo, hi)` of the database, on live levels.
fn within(tx: &MemTx, low: u8, high: u8) -> Option<TenantId> {
    let principal = tx.context().principal();
    let number = match principal.standing {
        Standing::System => 0,
        Standing::Level(claimed) => tx
            .read::<GrantRows>()?
            .get(&(principal.tenant, principal.id.uuid()))
            .filter(|grant| !grant.revoked)?
            .level
            .min(claimed)
            .number(),
    };
    (low..=high).contains(&number).then_some(principal.tenant)
}

/// `gate.worker()`.
fn worker(tx: &MemTx) -> Option<TenantId> {
    within(tx, 0, 0)
}
