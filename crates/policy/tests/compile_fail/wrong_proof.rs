//! The proof of one permission, where another is demanded.
use keepgate_kernel::TenantId;
use keepgate_policy::{Authorized, TenantStatus, permissions::TenantCreate};
use keepgate_rbac::Tenants;

async fn suspend<T: Tenants>(tx: &mut T, proof: &Authorized<TenantCreate>, tenant: TenantId) {
    let _done = tx.set_tenant_status(proof, tenant, TenantStatus::Suspended).await; //~ E0308
}

fn main() {}
