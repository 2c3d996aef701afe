//! Log-ins under way in `sso.login`.
use async_trait::async_trait;
use keepgate_kernel::Timestamp;
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{PendingLogin, ports::Logins};

struct Row {
    provider: String,
    issuer: String,
    expires_at: Timestamp,
}

#[async_trait]
impl Logins for PgTx {
    async fn open_login(&mut self, login: &PendingLogin) -> Result<(), StoreError> {
        let tenant = self.context().tenant().uuid();
        sqlx::query!(
            "delete from sso.login where tenant_id = $1 and expires_at <= now()",
            tenant
        )
        .execute(self.conn())
        .await?;
        sqlx::query!(
            "insert into sso.login (tenant_id, state_hash, binding_hash, provider, issuer, expires_at)
             values ($1, $2, $3, $4, $5, least($6, now() + interval '10 minutes'))",
            tenant,
            &login.state,
            &login.binding,
            login.provider.as_str(),
            login.issuer.as_str(),
            login.expires_at,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn use_login(&mut self, state: &[u8; 32], binding: &[u8; 32]) -> Result<Option<PendingLogin>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query_as!(
            Row,
            "delete from sso.login where tenant_id = $1 and state_hash = $2 and binding_hash = $3 and expires_at > now()
             returning provider, issuer, expires_at",
            tenant,
            state,
            binding,
        )
        .fetch_optional(self.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(PendingLogin {
            state: *state,
            binding: *binding,
            provider: row
                .provider
                .parse()
                .map_err(|_| StoreError::corrupt("sso.login", "provider"))?,
            issuer: row
                .issuer
                .parse()
                .map_err(|_| StoreError::corrupt("sso.login", "issuer"))?,
            expires_at: row.expires_at,
        }))
    }
}
