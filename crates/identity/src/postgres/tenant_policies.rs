//! What a tenant demands, in `identity.tenant_policy`.
use async_trait::async_trait;
use keepgate_store::{PgTx, StoreError, Transaction};

use super::level;
use crate::{MfaLevel, TenantPolicies};

#[async_trait]
impl TenantPolicies for PgTx {
    async fn mfa_level(&mut self) -> Result<MfaLevel, StoreError> {
        let tenant = self.context().tenant().uuid();
        let found = sqlx::query_scalar!(
            "select mfa_level from identity.tenant_policy where tenant_id = $1",
            tenant
        )
        .fetch_optional(self.conn())
        .await?;
        match found {
            Some(number) => Ok(MfaLevel::from(level(number, "identity.tenant_policy")?)),
            None => Ok(MfaLevel::default()),
        }
    }

    async fn set_mfa_level(&mut self, level: MfaLevel) -> Result<(), StoreError> {
        let tenant = self.context().tenant().uuid();
        sqlx::query!(
            "insert into identity.tenant_policy (tenant_id, mfa_level) values ($1, $2)
             on conflict (tenant_id) do update set mfa_level = excluded.mfa_level, changed_at = now()",
            tenant,
            i16::from(level.number()),
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }
}
