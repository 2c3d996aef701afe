//! Wishes to link an account, in `sso.link`.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, PrincipalKind, SessionId, Timestamp, Uuid};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{Linked, PendingLink, PendingLogin, ports::Links};

struct Row {
    principal_id: Uuid,
    session_id: Uuid,
    provider: String,
    issuer: String,
    expires_at: Timestamp,
}

#[async_trait]
impl Links for PgTx {
    async fn open_link(&mut self, link: &PendingLink) -> Result<(), StoreError> {
        let tenant = self.context().tenant().uuid();
        sqlx::query!(
            "insert into sso.link (tenant_id, state_hash, binding_hash, principal_id, session_id, provider, issuer, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7, least($8, now() + interval '10 minutes'))",
            tenant,
            &link.login.state,
            &link.login.binding,
            link.principal.uuid(),
            link.session.uuid(),
            link.login.provider.as_str(),
            link.login.issuer.as_str(),
            link.login.expires_at,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn use_link(&mut self, state: &[u8; 32], binding: &[u8; 32]) -> Result<Option<PendingLink>, StoreError> {
        let tenant = self.context().tenant().uuid();
        sqlx::query!(
            "delete from sso.link where tenant_id = $1 and expires_at <= now()",
            tenant
        )
        .execute(self.conn())
        .await?;
        let row = sqlx::query_as!(
            Row,
            "update sso.link set used_at = now()
              where tenant_id = $1 and state_hash = $2 and binding_hash = $3 and expires_at > now() and used_at is null
             returning principal_id, session_id, provider, issuer, expires_at",
            tenant,
            state,
            binding,
        )
        .fetch_optional(self.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let corrupt = |column| StoreError::corrupt("sso.link", column);
        Ok(Some(PendingLink {
            login: PendingLogin {
                state: *state,
                binding: *binding,
                provider: row.provider.parse().map_err(|_| corrupt("provider"))?,
                issuer: row.issuer.parse().map_err(|_| corrupt("issuer"))?,
                expires_at: row.expires_at,
            },
            principal: PrincipalId::from_parts(PrincipalKind::User, row.principal_id),
            session: SessionId::from_uuid(row.session_id),
        }))
    }

    async fn link_account(&mut self, state: &[u8; 32], subject: &str, user_name: &str) -> Result<Linked, StoreError> {
        let word = sqlx::query_scalar!(
            r#"select gate.link_account($1, $2, $3) as "word!""#,
            state,
            subject,
            user_name
        )
        .fetch_one(self.conn())
        .await?;
        match word.as_str() {
            "done" => Ok(Linked::Done),
            "gone" => Ok(Linked::Gone),
            "out-of-reach" => Ok(Linked::OutOfReach),
            "taken" => Ok(Linked::Taken),
            _ => Err(StoreError::corrupt("gate.link_account", "word")),
        }
    }
}
