//! What a tenant demands of its people.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{MfaLevel, TenantPolicies};

/// Reads the security policy of the caller's tenant.
#[derive(Debug, Clone, Copy)]
pub struct ReadTenantPolicy;

impl<Tx: TenantPolicies + ?Sized> Command<Tx> for ReadTenantPolicy {
    type Permission = permissions::TenantPolicyRead;
    type Output = MfaLevel;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("tenant-policy")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<MfaLevel, StoreError> {
        tx.mfa_level().await
    }
}
