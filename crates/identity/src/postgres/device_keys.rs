//! Keys of devices in `identity.device_key`: written by a definer function only.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, PrincipalKind, TenantId, Uuid};
use keepgate_store::{PgTx, StoreError, Transaction};

use super::demand_worker;
use crate::{CodeHash, DeviceKey, DeviceKeys};

const fn device(id: Uuid) -> PrincipalId {
    PrincipalId::from_parts(PrincipalKind::Device, id)
}

#[async_trait]
impl DeviceKeys for PgTx {
    async fn homes_of_device(&mut self, id: PrincipalId) -> Result<Vec<TenantId>, StoreError> {
        demand_worker(self)?;
        if id.kind() != PrincipalKind::Device {
            return Ok(Vec::new());
        }
        let homes = sqlx::query_scalar!(r#"select gate.homes_of_device($1) as "home!""#, id.uuid())
            .fetch_all(self.conn())
            .await?;
        Ok(homes.into_iter().map(TenantId::from_uuid).collect())
    }

    async fn home_of_device_code(&mut self, hash: &CodeHash) -> Result<Option<TenantId>, StoreError> {
        demand_worker(self)?;
        let home = sqlx::query_scalar!("select gate.home_of_device_code($1)", hash.as_bytes())
            .fetch_one(self.conn())
            .await?;
        Ok(home.map(TenantId::from_uuid))
    }

    async fn device_code_holder(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let holder = sqlx::query_scalar!(
            "select p.id from identity.device_code c
               join rbac.principal p on p.tenant_id = c.tenant_id and p.id = c.principal_id and p.status = 'active'
              where c.tenant_id = $1 and c.code_hash = $2 and c.used_at is null and c.expires_at > now()",
            tenant,
            hash.as_bytes(),
        )
        .fetch_optional(self.conn())
        .await?;
        Ok(holder.map(device))
    }

    async fn join_device(&mut self, hash: &CodeHash, key: &DeviceKey) -> Result<Option<PrincipalId>, StoreError> {
        demand_worker(self)?;
        let joined = sqlx::query_scalar!("select gate.join_device($1, $2)", hash.as_bytes(), key.as_bytes())
            .fetch_one(self.conn())
            .await?;
        Ok(joined.map(device))
    }

    async fn device_key(&mut self, id: PrincipalId) -> Result<Option<DeviceKey>, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let key = sqlx::query_scalar!(
            "select k.public_key from identity.device_key k
               join rbac.principal p on p.tenant_id = k.tenant_id and p.id = k.principal_id and p.status = 'active'
              where k.tenant_id = $1 and k.principal_id = $2",
            tenant,
            id.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        key.map(|bytes| {
            let bytes = bytes.try_into();
            bytes
                .map(DeviceKey::new)
                .map_err(|_| StoreError::corrupt("identity.device_key", "public_key"))
        })
        .transpose()
    }
}
