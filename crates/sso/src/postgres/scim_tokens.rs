//! Tokens of directories in `sso.scim_token`.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, PrincipalKind, Timestamp, Uuid};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{
    ports::ScimTokens,
    scim::{Directory, NewScimToken, ScimTokenRecord},
};

struct Row {
    id: Uuid,
    provider: String,
    principal_id: Uuid,
    name: String,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl TryFrom<Row> for ScimTokenRecord {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let provider = row.provider.parse();
        Ok(Self {
            id: row.id,
            provider: provider.map_err(|_| StoreError::corrupt("sso.scim_token", "provider"))?,
            actor: PrincipalId::from_parts(PrincipalKind::Service, row.principal_id),
            name: row.name,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        })
    }
}

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

    async fn scim_tokens(&mut self, after: Option<Uuid>, limit: u32) -> Result<Vec<ScimTokenRecord>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let rows = sqlx::query_as!(
            Row,
            "select id, provider, principal_id, name, created_at, expires_at, revoked_at from sso.scim_token
              where tenant_id = $1 and ($2::uuid is null or id > $2)
              order by id limit $3",
            tenant,
            after,
            i64::from(limit),
        )
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(ScimTokenRecord::try_from).collect()
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
