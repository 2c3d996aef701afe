//! A sensitive method without any proof.
use keepgate_kernel::TenantId;
use keepgate_policy::TenantStatus;
use keepgate_rbac::Tenants;

async fn suspend<T: Tenants>(tx: &mut T, tenant: TenantId) {
    let _done = tx.set_tenant_status(tenant, TenantStatus::Suspended).await; //~ E0061
}

fn main() {}
