//! What devices prove themselves with.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, TenantId};
use keepgate_store::StoreError;

use crate::{CodeHash, DeviceKey};

/// Keys and one-time codes of devices. Workers only: `Forbidden` for everybody else.
#[async_trait]
pub trait DeviceKeys: Send {
    /// The tenants with a device of this number, at most 4, the one made first before the others. The platform's worker only: everybody
    /// else's answer is empty.
    async fn homes_of_device(&mut self, id: PrincipalId) -> Result<Vec<TenantId>, StoreError>;

    /// The tenant of a code, for the platform's worker only.
    async fn home_of_device_code(&mut self, hash: &CodeHash) -> Result<Option<TenantId>, StoreError>;

    /// Whose code it is; `None` whenever it can't be used.
    async fn device_code_holder(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError>;

    /// Uses a code up: `key` is its device's from now on, in place of any before, and every session opened with that one ends.
    /// `None` when the code is unknown in this tenant, used, past its end, or its device may not act. Of two at once, one gets it.
    async fn join_device(&mut self, hash: &CodeHash, key: &DeviceKey) -> Result<Option<PrincipalId>, StoreError>;

    /// The key of an active device.
    async fn device_key(&mut self, id: PrincipalId) -> Result<Option<DeviceKey>, StoreError>;
}
