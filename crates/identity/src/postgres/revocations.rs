//! Revocations: read through a definer function that answers the platform's worker only, written by triggers.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, TenantId};
use keepgate_policy::{Authorized, permissions::RevocationCreate};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{Batch, Killed, Revocation, RevocationOrder, Revocations, Revoked};

const TABLE: &str = "identity.revocation";

/// A number as the database keeps it.
pub(super) fn seq(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::corrupt(TABLE, "seq"))
}

fn count(number: Option<i64>) -> u64 {
    number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default()
}

#[async_trait]
impl Revocations for PgTx {
    async fn revocations_after(&mut self, after: u64, limit: u32) -> Result<Batch, StoreError> {
        let rows = sqlx::query!(
            r#"select head as "head!", seq as "seq?", kind as "kind?", id as "id?", kid as "kid?", expires_at as "expires_at?"
                 from gate.revocations($1, $2)"#,
            i64::try_from(after).unwrap_or(i64::MAX),
            i32::try_from(limit).unwrap_or(i32::MAX),
        )
        .fetch_all(self.conn())
        .await?;
        // Even where there is nothing new there is a number: no row means that the caller is nobody to whom this is told.
        let head = seq(rows.first().ok_or(StoreError::Forbidden)?.head)?;
        let mut revocations = Vec::with_capacity(rows.len());
        for row in rows {
            let (Some(number), Some(kind), Some(expires_at)) = (row.seq, row.kind, row.expires_at) else {
                continue;
            };
            let what = Revoked::stored(&kind, row.id, row.kid).map_err(|_| StoreError::corrupt(TABLE, "kind"))?;
            revocations.push(Revocation {
                seq: seq(number)?,
                what,
                expires_at,
            });
        }
        Ok(Batch { revocations, head })
    }

    async fn sweep_revocations(&mut self) -> Result<u64, StoreError> {
        let swept = sqlx::query_scalar!("select gate.sweep_revocations()")
            .fetch_one(self.conn())
            .await?;
        Ok(count(swept))
    }

    async fn revoke_principal(
        &mut self,
        proof: &Authorized<RevocationCreate>,
        principal: PrincipalId,
    ) -> Result<Option<Killed>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let sessions = sqlx::query_scalar!(
            r#"with p as (update rbac.principal set epoch = epoch + 1
                 where tenant_id = $1 and id = $2 and status <> 'deleted' and (select gate.subject()) = $3 returning id)
               select (select count(*) from identity.session s where s.tenant_id = $1 and s.principal_id = p.id
                         and s.revoked_at is null and s.expires_at > now()) as "sessions!" from p"#,
            tenant,
            principal.uuid(),
            proof.by().uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        let Some(sessions) = sessions else { return Ok(None) };
        let keys = sqlx::query!(
            "update identity.api_key set revoked_at = now()
              where tenant_id = $1 and (owner_id = $2 or principal_id = $2) and revoked_at is null",
            tenant,
            principal.uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(Some(Killed {
            sessions: count(Some(sessions)),
            keys: keys.rows_affected(),
        }))
    }

    async fn revoke_tenant(
        &mut self,
        _proof: &Authorized<RevocationCreate>,
        tenant: TenantId,
    ) -> Result<Option<Killed>, StoreError> {
        let row = sqlx::query!(
            r#"select sessions as "sessions?", keys as "keys?" from gate.revoke_tenant($1)"#,
            tenant.uuid()
        )
        .fetch_optional(self.conn())
        .await?;
        Ok(row.map(|row| Killed {
            sessions: count(row.sessions),
            keys: count(row.keys),
        }))
    }

    async fn revoke_all(&mut self, _proof: &Authorized<RevocationCreate>) -> Result<Killed, StoreError> {
        let sessions = sqlx::query_scalar!("select gate.revoke_all()")
            .fetch_one(self.conn())
            .await?;
        Ok(Killed {
            sessions: count(sessions),
            keys: 0,
        })
    }

    async fn revoke_kid(
        &mut self,
        _proof: &Authorized<RevocationCreate>,
        kid: &str,
    ) -> Result<Option<Killed>, StoreError> {
        let sessions = sqlx::query_scalar!("select gate.revoke_kid($1)", kid)
            .fetch_one(self.conn())
            .await?;
        Ok(sessions.map(|sessions| Killed {
            sessions: count(Some(sessions)),
            keys: 0,
        }))
    }

    async fn keep_order(&mut self, order: &RevocationOrder) -> Result<(), StoreError> {
        let context = self.context();
        let (tenant, request, by) = (
            context.tenant().uuid(),
            context.request().uuid(),
            context.principal().id.uuid(),
        );
        sqlx::query!(
            "insert into identity.revocation_order (tenant_id, request_id, kind, target, reason, ordered_by)
             values ($1, $2, $3, $4, $5, $6)",
            tenant,
            request,
            order.kind,
            order.target,
            order.reason,
            by,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }
}
