//! What everybody else here tries to get round: decide, mint, consume. This program compiles.
#![forbid(unsafe_code)]
use keepgate_kernel::{Level, TenantId};
use keepgate_policy::{Authorized, GrantDenied, OpContext, Target, TenantStatus, authorize, grant, permissions as p, reach};
use keepgate_rbac::{Roles, Tenants};

async fn give<T: Roles>(tx: &mut T, proof: &Authorized<p::UserUpdate>, target: Target) -> Result<(), GrantDenied> {
    let given = grant(proof, target, Level::Operator)?;
    let (_to, _level) = (given.target(), given.level());
    let _done = tx.assign(given, None).await;
    let reached = reach(proof, target)?;
    let _done = tx.revoke_role(&reached).await;
    Ok(())
}

async fn suspend<T: Tenants>(tx: &mut T, context: &OpContext, tenant: TenantId) {
    if let Ok(proof) = authorize::<p::TenantUpdate>(context) {
        let _done = tx.set_tenant_status(&proof, tenant, TenantStatus::Suspended).await;
    }
}

fn main() {}
