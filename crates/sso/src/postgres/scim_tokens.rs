//! Tokens of directories in `sso.scim_token`.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, PrincipalKind, Uuid};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{
    ports::ScimTokens,
    scim::{Directory, NewScimToken},
};

#[async_trait]
impl ScimTokens for PgTx {
    async fn add_scim_token(&mut self, new: &NewScimToken) -> Result<(), StoreError> {
        let tenant = self.context().tenant().uuid();
        sqlx::query!(
            "insert into sso.scim_token (tenant_id, id, provider, principal_id, name, hash, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7)",
            tenant,
            new.id,
            new.provider.as_str(),
            new.actor.uuid(),
            new.name,
            &new.hash,
            new.expires_at,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn revoke_scim_token(&mut self, id: Uuid) -> Result<bool, StoreError> {
        let tenant = self.context().tenant().uuid();
        let done = sqlx::query!(
            "update sso.scim_token set revoked_at = now() where tenant_id = $1 and id = $2 and revoked_at is null",
            tenant,
            id,
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn directory(&mut self, hash: &[u8; 32]) -> Result<Option<Directory>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query!(
            "select id, provider, principal_id from sso.scim_token
              where tenant_id = $1 and hash = $2 and revoked_at is null and (expires_at is null or expires_at > now())",
            tenant,
            hash,
        )
        .fetch_optional(self.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Directory {
            token: row.id,
            provider: row
                .provider
                .parse()
                .map_err(|_| StoreError::corrupt("sso.scim_token", "provider"))?,
            actor: PrincipalId::from_parts(PrincipalKind::Service, row.principal_id),
        }))
    }

    async fn is_scim_token_live(&mut self, id: Uuid) -> Result<bool, StoreError> {
        let tenant = self.context().tenant().uuid();
        let live = sqlx::query_scalar!(
            r#"select exists (select from sso.scim_token where tenant_id = $1 and id = $2 and revoked_at is null
                 and (expires_at is null or expires_at > now())) as "live!""#,
            tenant,
            id,
        )
        .fetch_one(self.conn())
        .await?;
        Ok(live)
    }
}
