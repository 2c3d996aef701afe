//! What a tenant demands of its people.
use async_trait::async_trait;
use keepgate_store::StoreError;

use crate::MfaLevel;

/// The security policy of the caller's tenant. Levels from 4 up and workers read it, levels 5 and 7 change it: `Forbidden`
/// otherwise.
#[async_trait]
pub trait TenantPolicies: Send {
    /// From which level a second factor is required; the default as long as nobody said otherwise.
    async fn mfa_level(&mut self) -> Result<MfaLevel, StoreError>;

    /// Sets it.
    async fn set_mfa_level(&mut self, level: MfaLevel) -> Result<(), StoreError>;
}
