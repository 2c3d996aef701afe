//! Demanding more or less of a tenant's people.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{MfaLevel, TenantPolicies};

/// Changes what is `Some` of the security policy of the caller's tenant. It counts from the next log-in or step-up.
#[derive(Debug, Clone, Copy)]
pub struct UpdateTenantPolicy {
    /// From which level a second factor is required.
    pub mfa_level: Option<MfaLevel>,
}

impl<Tx: TenantPolicies + ?Sized> Command<Tx> for UpdateTenantPolicy {
    type Permission = permissions::TenantPolicyUpdate;
    type Output = MfaLevel;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("tenant-policy")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<MfaLevel, StoreError> {
        if let Some(level) = self.mfa_level {
            tx.set_mfa_level(level).await?;
        }
        tx.mfa_level().await
    }
}
